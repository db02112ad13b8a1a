"""The worker that fine-tunes: from a run's state at one step to its state at another.

All that a run goes on from is in its state: the adapter, Adam's two moments, how many steps were
taken. What is random in a step (dropout) follows from the run's seed and the step's number, so that
a run cut into stretches gives the same bytes as one in a single piece.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from stages.errors import UserError
from stages.finetuning.pupil import Pupil, Reader, Sample
from stages.finetuning.settings import Finetune
from stages.work.determinism import reproducible
from stages.work.items import Arrays

log = logging.getLogger("llmvs")

WEIGHTS, MEAN, SQUARE = "weights.", "mean.", "square."
"""How arrays of a state begin: the adapter's, and Adam's moments of its gradients."""
LOSSES = "losses"
"""Of a state: the mean cross-entropy of an answer's token, a step."""
_SCALE = {"torch.float16": 1024.0}
"""By the weights' format: what the loss is multiplied by, so that no gradient on its way through
the model is too small for the format; a power of two, which is divided out without rounding."""


@dataclass(frozen=True)
class Stretch:
    """Some steps of a run, by value.

    steps: each the passes whose gradients are added up. first: the number of the first of them, of
    `total` in the whole run. state: where the run stands before; None: at its beginning.
    """

    seed: int
    first: int
    total: int
    steps: tuple[tuple[tuple[Sample, ...], ...], ...]
    state: Arrays | None


class Tuner:
    """Worker of the executor: stretches in, states out.

    A pass that does not fit into the GPU's memory is halved until it does, and so are those after
    it; the step is then begun anew. Gradients are of the sum over a step's answers, so that halves
    weigh what the whole did, and results may differ in their last bits alone, and where there is
    dropout by what is dropped.

    room: samples in one pass, as things stand; None: as many as are wanted.
    """

    def __init__(self, load: Callable[[], Reader], settings: Finetune) -> None:
        self.pupil = Pupil(load(), settings)
        self.settings = settings
        self.room: int | None = None

    def __call__(self, stretches: list[Stretch], /) -> Iterator[tuple[int, Arrays]]:
        """Raises UserError where a loss is no longer a number, or one sample is too much for the
        memory.
        """
        for index, stretch in enumerate(stretches):
            with reproducible(stretch.seed, warn_only=True):
                yield index, self._taught(stretch)

    def _taught(self, stretch: Stretch) -> Arrays:
        weights = self.pupil.weights
        optimiser = torch.optim.AdamW(list(weights.values()), lr=1.0, weight_decay=0.0)
        if stretch.state is None:
            self.pupil.begin(stretch.seed)
        else:
            self.pupil.resume(adapter_of(stretch.state))
            for name, weight in weights.items():
                mean, square = (
                    torch.tensor(stretch.state[kind + name], device=weight.device)
                    for kind in (MEAN, SQUARE)
                )
                optimiser.state[weight] = {
                    "step": torch.tensor(float(stretch.first)),
                    "exp_avg": mean,
                    "exp_avg_sq": square,
                }
        losses = [] if stretch.state is None else stretch.state[LOSSES].tolist()
        for number, passes in enumerate(stretch.steps, stretch.first):
            optimiser.param_groups[0]["lr"] = self.settings.lr * (1 - number / stretch.total)
            losses.append(self._step(optimiser, passes, (stretch.seed, number)))
        state: Arrays = {LOSSES: np.array(losses)}
        for name, weight in weights.items():
            state[WEIGHTS + name] = weight.detach().cpu().numpy().copy()
            for kind, key in ((MEAN, "exp_avg"), (SQUARE, "exp_avg_sq")):
                state[kind + name] = optimiser.state[weight][key].cpu().numpy()
        return state

    def _step(
        self,
        optimiser: torch.optim.Optimizer,
        passes: Sequence[Sequence[Sample]],
        place: tuple[int, int],
    ) -> float:
        """One step; the mean loss of a token."""
        tokens = sum(map(self.pupil.tokens, passes))
        scale = _SCALE.get(str(self.pupil.model.dtype), 1.0)
        while (loss := self._gradients(optimiser, passes, place, scale / tokens)) is None:
            # Only here, past the handler, has the exception let go of what the attempt held.
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
        weights = list(self.pupil.weights.values())
        for weight in weights:
            assert weight.grad is not None
            weight.grad /= scale
        norm = torch.nn.utils.clip_grad_norm_(weights, self.settings.clip)
        if not torch.isfinite(norm):
            raise UserError(
                f"{self.pupil.name}: fine-tuning fell apart in step {place[1] + 1} (loss "
                f"{loss / scale:g}); lower finetune.lr in params.yaml"
                + ("" if scale == 1 else ", or have its weights in bfloat16")
            )
        optimiser.step()
        return loss / scale

    def _gradients(
        self,
        optimiser: torch.optim.Optimizer,
        passes: Sequence[Sequence[Sample]],
        place: tuple[int, int],
        weight: float,
    ) -> float | None:
        """Put a step's gradients together; the weighted loss, None where the memory ran out."""
        optimiser.zero_grad(set_to_none=True)
        torch.manual_seed(int(np.random.SeedSequence(place).generate_state(1)[0]))
        total = 0.0
        for whole in passes:
            size = min(self.room or len(whole), len(whole))
            for start in range(0, len(whole), size):
                part = whole[start : start + size]
                try:
                    loss = weight * self.pupil.loss(part)
                    loss.backward()  # type: ignore[no-untyped-call]
                    total += float(loss.detach())
                except torch.OutOfMemoryError as error:
                    if len(part) == 1:
                        raise UserError(
                            f"{self.pupil.name}: out of memory with a single prompt to learn from; "
                            "free the GPU of others, set finetune.checkpointing, adapt fewer "
                            "layers (finetune.lora.layers), or name a smaller model or dtype"
                        ) from error
                    self.room = len(part) // 2
                    log.warning(
                        "out of memory with %d prompts at once: going on with %d; set "
                        "finetune.batch to that, and accumulate to as much more, to spare the "
                        "attempt",
                        *(len(part), self.room),
                    )
                    return None
        return total


def adapter_of(state: Arrays) -> dict[str, np.ndarray[Any, Any]]:
    """The adapter's weights in a state."""
    return {
        name.removeprefix(WEIGHTS): of for name, of in state.items() if name.startswith(WEIGHTS)
    }

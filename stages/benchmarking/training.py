"""An epoch of training a row, beside the plain way to write it.

Plain: torch's own encoder on padded batches with their mask, torch's dropout, memory filled as
torch's deterministic mode has it by default, a batch made anew for every pass. Both on one thread,
as the train stage runs on a CPU, and both judged as the protocol has it.

Shapes: B videos, T frames, D width of the features.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from rich.table import Table
from torch import Tensor

from stages import params, section
from stages.benchmarking import evaluation
from stages.errors import UserError
from stages.metrics.panel import Panel
from stages.scorers import registry
from stages.scorers.head import STATES
from stages.scorers.settings import GlobalAttentionEntry, Model
from stages.sources import tvsum
from stages.training.batches import Video, padded
from stages.training.fitting import fit, one_thread, predict
from stages.training.held_out import Watch
from stages.training.lesson import lesson
from stages.training.settings import Train

TOLERANCE = 2e-3
"""Of scores in 0..1, after one epoch without dropout. Gradients are the same to rounding, which
grows from step to step: in five epochs the plain loop on two threads is as far from itself on one
as the stage is from it.
"""

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Task:
    """What both ways are to do: a fold, the scorer, how it learns, and what it is judged by."""

    train: Sequence[Video]
    test: Sequence[Video]
    entry: GlobalAttentionEntry
    settings: Train
    watch: Watch | None = None


def task(recipe: str, model: str, width: int, videos: int) -> Task:
    """A fold of SYNTHETIC videos of TVSum's shape, a fifth of them tested.

    Raises UserError where the recipe or model is unknown, or has no global attention.
    """
    settings = params.recipe(recipe).train
    if settings is None:
        raise UserError(f"datasets.{recipe} trains nothing; name another recipe")
    entry = section.lookup(Model, "models", model)
    scorer, settings = lesson(entry, settings, recipe, model)
    if not isinstance(scorer, GlobalAttentionEntry):
        raise UserError(f"models.{model} is of kind {scorer.kind}; name a global-attention")
    judged = evaluation.synthetic(videos=videos)
    panels = evaluation.panels_of(
        judged, [evaluation.even_shots(video.n_frames) for video in judged]
    )
    made = [_video(panel, width, number) for number, panel in enumerate(panels)]
    tested = videos // 5
    agreement = {panel.name: panel.agreement for panel in panels[:tested]}
    watch = Watch(made[:tested], agreement, halfway=True)
    return Task(made[tested:], made[:tested], scorer, settings, watch)


def _video(panel: Panel, width: int, number: int) -> Video:
    random = np.random.default_rng([7, number])
    x_TD = random.standard_normal((len(panel.picks), width), dtype=np.float32)
    assert panel.user_scores is not None
    mean_T = panel.user_scores[:, panel.picks].mean(axis=0)
    gtscore_T = ((mean_T - tvsum.LOWEST) / (tvsum.HIGHEST - tvsum.LOWEST)).astype(np.float32)
    return Video(panel.name, {STATES: torch.from_numpy(x_TD)}, torch.from_numpy(gtscore_T))


def plain(of: Task, seed: int = 0) -> list[Tensor]:
    """Scores (T,) of the videos tested by the last epoch's weights, learnt the plain way."""
    with one_thread(CPU), torch.random.fork_rng():
        before = torch.are_deterministic_algorithms_enabled()
        torch.use_deterministic_algorithms(True)
        torch.manual_seed(seed)
        try:
            return _plainly(of, seed)
        finally:
            torch.use_deterministic_algorithms(before)


def _plainly(of: Task, seed: int) -> list[Tensor]:
    model: Any = registry.build(of.entry, of.train[0].widths)

    def scores(videos: Sequence[Video]) -> tuple[Tensor, Tensor, Tensor]:
        batch = padded(videos)
        h_BTM = model.d_linear1_norm(model.d_linear1(batch.inputs[STATES]))
        h_BTM = model.transformer_encoder_agg(h_BTM, src_key_padding_mask=~batch.valid_BT)
        return model.mlp_head(h_BTM).squeeze(-1), batch.gtscore_BT, batch.valid_BT

    optimizer = torch.optim.AdamW(
        model.parameters(), lr=of.settings.lr, weight_decay=of.settings.weight_decay, fused=True
    )
    order = torch.Generator().manual_seed(seed)
    for _ in range(of.settings.epochs):
        shuffled = torch.randperm(len(of.train), generator=order).tolist()
        for number, index in enumerate(shuffled, 1):
            model.train()
            optimizer.zero_grad()
            scores_BT, gtscore_BT, valid_BT = scores([of.train[index]])
            loss = torch.nn.functional.mse_loss(scores_BT[valid_BT], gtscore_BT[valid_BT])
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            loss.item()
            half = of.watch is not None and number == len(shuffled) // 2
            if half or number == len(shuffled):
                model.eval()
                with torch.inference_mode():
                    tested_BT, gtscore_BT, valid_BT = scores(of.test)
                    torch.nn.functional.mse_loss(tested_BT[valid_BT], gtscore_BT[valid_BT]).item()
                for video, scores_T in zip(of.test, tested_BT, strict=True):
                    if of.watch is not None:
                        of.watch.agreement[video.name](scores_T[: len(video.gtscore_T)].numpy())
    return [
        scores_T[: len(video.gtscore_T)] for video, scores_T in zip(of.test, tested_BT, strict=True)
    ]


def ours(of: Task, seed: int = 0) -> list[Tensor]:
    """The same by the train stage's loop."""
    with one_thread(CPU):
        learnt = fit(of.train, of.test, of.entry, of.settings, seed=seed, where=CPU, watch=of.watch)
        return [torch.from_numpy(predict(learnt.model, video)) for video in of.test]


def measure(recipe: str, model: str, width: int, videos: int, epochs: int, rounds: int) -> Table:
    """Seconds of an epoch under both protocols.

    Args:
        recipe, model: of params.yaml: whose scorer and settings are used.
        width: D.
        videos: in all.
        epochs: of a measurement.
        rounds: of which the best counts.

    Raises:
        UserError: as `task`, or the two ways' scores differ by more than `TOLERANCE`.
    """
    of = task(recipe, model, width, videos)
    gap = difference(of)
    if not gap < TOLERANCE:
        raise UserError(f"the stage's scores are {gap:.2g} away from the plain loop's")
    frames = sum(len(video.gtscore_T) for video in of.train)
    title = f"{recipe}, {model}: SYNTHETIC videos of TVSum's shape, {len(of.train)} of {frames:,} "
    title += (
        f"frames learnt, {len(of.test)} tested; an epoch without dropout: scores {gap:.0e} apart"
    )
    table = Table("protocol", "plain, s an epoch", "ours", "times faster", title=title)
    for protocol, watch in (("strict", None), ("official", of.watch)):
        asked = Task(of.train, of.test, of.entry, of.settings, watch)
        seconds = {
            way.__name__: min(_an_epoch(way, asked, epochs) for _ in range(rounds))
            for way in (plain, ours)
        }
        times = seconds["plain"] / seconds["ours"]
        table.add_row(protocol, f"{seconds['plain']:.3f}", f"{seconds['ours']:.3f}", f"{times:.2f}")
    return table


def difference(of: Task) -> float:
    """The largest between the two ways' scores after an epoch without dropout or choice."""
    entry = of.entry.model_copy(update={"dropout": 0.0})
    asked = Task(of.train, of.test, entry, _for(of.settings, 1))
    pairs = zip(plain(asked), ours(asked), strict=True)
    return max(float((one - other).abs().max()) for one, other in pairs)


def _for(settings: Train, epochs: int) -> Train:
    """Settings that the plain loop knows: a video a step, at a constant rate, inputs as given."""
    return settings.model_copy(
        update={
            "epochs": epochs, "batch": 1, "accumulate": 1, "schedule": None, "clip": None,
            "standardise": False,
        }
    )  # fmt: skip


def _an_epoch(way: Callable[[Task], list[Tensor]], of: Task, epochs: int) -> float:
    """Seconds of one, start and end of a training apart."""
    taken = []
    for count in (1, 1 + epochs):
        asked = Task(of.train, of.test, of.entry, _for(of.settings, count), of.watch)
        started = time.perf_counter()
        way(asked)
        taken.append(time.perf_counter() - started)
    return (taken[1] - taken[0]) / epochs

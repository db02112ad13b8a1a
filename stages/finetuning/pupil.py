"""A frozen model with an adapter that is to learn, and the loss on what it is to say.

Shapes: B rows, L tokens of a row, N tokens of all answers, D width of the model.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from stages.errors import UserError
from stages.finetuning.settings import Finetune
from stages.work import adapters

log = logging.getLogger("llmvs")

Ids = tuple[int, ...]
_NAME = "default"
_SCALED = ("logits_scaling", "logit_scale", "final_logit_softcapping")
"""What Granite, Cohere and Gemma call it."""


class Sample(NamedTuple):
    """What the model is asked, as its `Reader` takes it, and the words that it is to answer."""

    prompt: Any
    answer: str


class Reader(Protocol):
    """A loaded model, and how it reads.

    name: what the person called the model. model: of transformers.
    """

    name: str
    model: Any

    def read(self, prompts: Sequence[Any], /) -> tuple[list[Ids], Mapping[str, Tensor]]:
        """Each prompt's token ids, and what the model takes beside them."""
        ...

    def answer(self, text: str, /) -> Ids:
        """The token ids of an answer, the end of the turn included."""
        ...


class Pupil:
    """A model whose adapter alone learns, in float32, whatever the weights' own format.

    Layers below the first that is adapted are passed without a graph, as nothing before them
    learns.
    """

    def __init__(self, reader: Reader, settings: Finetune) -> None:
        """Raises UserError as `adapters.targets`, and of a model that scales its logits."""
        from peft import LoraConfig, inject_adapter_in_model

        config = reader.model.config.get_text_config()
        scaled = [name for name in _SCALED if getattr(config, name, None) not in (None, 1)]
        if scaled:
            raise UserError(
                f"{reader.name}: scales its logits ({', '.join(scaled)}), which the loss of "
                "fine-tuning leaves out; name a model that does not"
            )
        lora = settings.lora
        self.name, self._reader, self.model = reader.name, reader, reader.model
        places = adapters.targets(reader.name, reader.model, lora.modules, lora.layers)
        self.model.requires_grad_(False)
        adapter = LoraConfig(
            r=lora.rank,
            lora_alpha=lora.alpha,
            lora_dropout=lora.dropout,
            target_modules=places,
            bias="none",
        )
        inject_adapter_in_model(adapter, self.model, adapter_name=_NAME)
        self.weights: dict[str, torch.nn.Parameter] = {}
        for name, weight in sorted(self.model.named_parameters()):
            if weight.requires_grad:
                weight.data = weight.data.float()
                self.weights[name.replace(f".{_NAME}.", ".")] = weight
        if settings.checkpointing:
            # transformers 5 has renamed it on the way to 6.
            enable = getattr(self.model, "activation_checkpointing_enable", None)
            (enable or self.model.gradient_checkpointing_enable)({"use_reentrant": False})
            # It has the embeddings ask for gradients, which would then go through frozen layers.
            self.model.disable_input_require_grads()
        self.model.train()

    @property
    def device(self) -> torch.device:
        found: torch.device = self.model.get_input_embeddings().weight.device
        return found

    def begin(self, seed: int) -> None:
        """Make the adapter a beginner's: A uniform as in peft, by a generator of the processor so
        that no device draws otherwise, and B zero, which changes nothing.
        """
        random = torch.Generator().manual_seed(seed)
        for name, weight in self.weights.items():
            if ".lora_A." in name:
                drawn_RI = torch.rand(weight.shape, generator=random)
                weight.data.copy_((2 * drawn_RI - 1) * weight.shape[1] ** -0.5)
            else:
                weight.data.zero_()

    def resume(self, weights: Mapping[str, np.ndarray[Any, Any]]) -> None:
        """Take over an adapter's weights."""
        for name, weight in self.weights.items():
            weight.data.copy_(torch.from_numpy(weights[name]))

    def loss(self, samples: Sequence[Sample]) -> Tensor:
        """The cross-entropy, summed over the tokens of the answers alone."""
        prompts, more = self._reader.read([sample.prompt for sample in samples])
        answers = [self._reader.answer(sample.answer) for sample in samples]
        rows = [(*prompt, *answer) for prompt, answer in zip(prompts, answers, strict=True)]
        # Behind a row's end nothing is looked at, so that padding needs no mask.
        ids_BL = torch.zeros(len(rows), max(map(len, rows)), dtype=torch.long)
        for row, ids in enumerate(rows):
            ids_BL[row, : len(ids)] = torch.tensor(ids)
        where = [
            (row, len(prompt) - 1 + place)
            for row, (prompt, answer) in enumerate(zip(prompts, answers, strict=True))
            for place in range(len(answer))
        ]
        states_BLD = self.model.model(
            input_ids=ids_BL.to(self.device), use_cache=False, **more
        ).last_hidden_state
        rows_N, places_N = torch.tensor(where, device=states_BLD.device).unbind(1)
        logits = self.model.get_output_embeddings()(states_BLD[rows_N, places_N]).float()
        wanted_N = torch.tensor([token for answer in answers for token in answer])
        return cross_entropy(logits, wanted_N.to(logits.device), reduction="sum")

    def tokens(self, samples: Sequence[Sample]) -> int:
        """Of the answers."""
        return sum(len(self._reader.answer(sample.answer)) for sample in samples)

"""A frozen text model, and the vector it makes of a sentence.

Shapes: B sentences, L tokens (padded to the longest of the batch), W width of a state, D of what
is kept.

The embedded LLM and any other causal LM, a sentence-transformer and its like (BERT, MPNet, the
encoder of a T5), and the text half of a CLIP are all read by transformers itself.
"""

import logging
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from stages.encoders.settings import Pooling, Sentences
from stages.errors import UserError
from stages.llm import weights
from stages.work import pretrained, tokens
from stages.work.halving import Halving, Said
from stages.work.overflow import overflowed

log = logging.getLogger("llmvs")

Ids = tuple[int, ...]
"""A sentence as the model reads it, its special tokens included."""
Floats = npt.NDArray[np.float32]

_SPARE = ("pooler.",)
"""A layer of BERT's kin that nothing is kept of, and that many checkpoints do not hold."""

_COUNTED_FROM_PADDING = (
    *("roberta", "xlm-roberta", "xlm-roberta-xl", "roberta-prelayernorm", "camembert", "mpnet"),
    *("data2vec-text", "longformer", "ibert", "xmod"),
)
"""Kinds whose first position is the one after the padding's, so that fewer are left than the
configuration says.
"""


class Tokens:
    """Sentences to ids by a model's tokenizer, with the special tokens it sets around a text.

    cut: how many sentences were longer than the model can read, and were cut at their end.
    """

    def __init__(self, settings: Sentences) -> None:
        """Raises UserError where the model has no tokenizer or configuration that can be used."""
        name, revision = settings.model, settings.revision
        self._tokenizer = weights.tokenizer(name, revision)
        bare = tokens.as_read(self._tokenizer, "a")
        whole = tuple(self._tokenizer("a")["input_ids"])
        start = next(
            (at for at in range(len(whole)) if whole[at : at + len(bare)] == bare), len(whole)
        )
        self._before, self._after = whole[:start], whole[start + len(bare) :]
        limits = [weights.context(name, revision), self._tokenizer.model_max_length]
        self._room = min(limit for limit in limits if limit) - len(self._before) - len(self._after)
        kind = weights.configuration(name, revision)
        if kind.model_type in _COUNTED_FROM_PADDING:
            self._room -= (kind.pad_token_id or 0) + 1
        self.cut = 0

    def ids(self, sentence: str) -> Ids:
        """What a sentence says is text, never a control token.

        Raises UserError where the tokenizer leaves nothing of it.
        """
        text = tokens.as_text(self._tokenizer, sentence)
        self.cut += len(text) > self._room
        found = (*self._before, *text[: self._room], *self._after)
        if not found:
            raise UserError(
                f"{self._tokenizer.name_or_path}: its tokenizer leaves nothing of the caption "
                f"{sentence!r}; mend the caption, or name another sentences.model"
            )
        return found


class Encoder:
    """A loaded model; a worker of the executor, whose payloads are batches of sentences.

    A batch that does not fit into the GPU's memory is halved until it does, and so are those after
    it.
    """

    def __init__(self, settings: Sentences) -> None:
        """Raises UserError where the model cannot be had or used, or does not pool that way."""
        self._settings, self._pooling = settings, settings.pooling
        said = Said(
            settings.model, ("caption", "captions"), "sentences.model or dtype",
            "a smaller sentences.token_budget spares the attempt",
        )  # fmt: skip
        self._halving = Halving[Sequence[Ids], Floats](said, sys.maxsize, self._encoded)
        folder = weights.fetch(settings.model, settings.revision)
        dtype = pretrained.dtype_of(settings.dtype)
        kind = model_class(settings, weights.configuration(settings.model, settings.revision))
        self._model = pretrained.load(kind, settings.model, folder, dtype, _SPARE)
        self._padding = weights.tokenizer(settings.model, settings.revision).pad_token_id or 0

    def __call__(self, batches: list[tuple[Ids, ...]]) -> Any:
        for index, batch in enumerate(batches):
            yield index, {"sentence": self.encode(batch)}

    def encode(self, batch: Sequence[Ids]) -> Floats:
        """One vector a sentence, (B, D).

        Raises UserError where a single sentence is too much for the GPU's memory, or the model
        overflows.
        """
        found_BD = np.concatenate(self._halving([batch]))
        if not np.isfinite(found_BD).all():
            raise overflowed(self._settings.model, self._settings.dtype, "sentences.dtype")
        return found_BD

    @torch.inference_mode()
    def _encoded(self, batch: Sequence[Ids]) -> Floats:
        longest = max(map(len, batch))
        device = self._model.device
        ids_BL = torch.tensor(
            [[*ids, *[self._padding] * (longest - len(ids))] for ids in batch], device=device
        )
        lengths_B = torch.tensor([len(ids) for ids in batch], device=device)
        valid_BL = torch.arange(longest, device=device) < lengths_B[:, None]
        out = self._model(input_ids=ids_BL, attention_mask=valid_BL.long())
        if self._pooling == "projected":
            pooled_BD = out.text_embeds
        else:
            pooled_BD = pooled(out.last_hidden_state.float(), valid_BL, self._pooling)
        return np.asarray(pooled_BD.float().cpu().numpy(), dtype=np.float32)


def pooled(states_BLW: Tensor, valid_BL: Tensor, pooling: Pooling) -> Tensor:
    """One vector (B, W) of the states of a sentence's tokens: their mean, or the first one's."""
    if pooling == "first":
        return states_BLW[:, 0]
    weights_BL1 = valid_BL[:, :, None].to(states_BLW.dtype)
    return (states_BLW * weights_BL1).sum(1) / weights_BL1.sum(1)


def model_class(settings: Sentences, config: Any) -> Any:
    """The class of transformers that reads sentences with a model of this configuration.

    Raises UserError where it does not project and should.
    """
    from transformers import AutoModel, AutoModelForTextEncoding

    clip = config.model_type in ("clip", "clip_text_model")
    if settings.pooling == "projected" and not clip:
        raise UserError(
            f"{settings.model}: is no CLIP model, so there is no space of images for it to project "
            "into; set sentences.pooling to mean or first"
        )
    if clip:
        return _Clip(settings.pooling == "projected")
    encodes = type(config) in AutoModelForTextEncoding._model_mapping
    if not encodes and (hasattr(config, "vision_config") or config.is_encoder_decoder):
        raise UserError(
            f"{settings.model}: is no model of text alone ({config.model_type}), and no CLIP whose "
            "text half is known here; name another sentences.model"
        )
    return AutoModelForTextEncoding if encodes else AutoModel


class _Clip:
    """The text half of a CLIP, as `pretrained.load` asks transformers' Auto classes for a model."""

    def __init__(self, projected: bool) -> None:
        from transformers import CLIPTextModel, CLIPTextModelWithProjection

        self._class = CLIPTextModelWithProjection if projected else CLIPTextModel

    def from_pretrained(self, *args: Any, trust_remote_code: bool, **options: Any) -> Any:
        return self._class.from_pretrained(*args, **options)

    def from_config(self, config: Any, trust_remote_code: bool) -> Any:
        return self._class._from_config(config.get_text_config())

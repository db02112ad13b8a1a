"""A pretrained model's size and arithmetic, from its configuration alone.

The model is built on torch's meta device, where tensors have shapes and no memory, and its weights
are counted. The configuration is the one on this machine, else the hub's (a file of a kilobyte),
else, for the recipes' own models, the copy that comes with this project.
"""

import json
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import torch
from torch import nn

from stages.errors import UserError
from stages.work import hub, pretrained

PUBLISHED = "published_configs.json"
BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
"""Of a number in each format."""


@dataclass(frozen=True)
class Decoder:
    """What a causal LM's arithmetic depends on.

    layer_weights: of the linear maps that every token goes through; head_weights: of the one onto
    the vocabulary. parameters: of the whole model, vision included.
    """

    parameters: int
    layer_weights: int
    head_weights: int
    layers: int
    heads: int
    key_heads: int
    head_width: int
    hidden: int
    intermediate: int

    @property
    def cached_values(self) -> int:
        """Keys and values that one token leaves behind, over all layers."""
        return 2 * self.layers * self.key_heads * self.head_width

    def operations(self, tokens: float, before: float, answers: float = 0) -> float:
        """Floating-point operations of a run of tokens behind `before` others, each seeing what
        precedes it; the head for `answers` of them. A product and its sum are two.
        """
        seen = tokens * before + tokens * (tokens + 1) / 2
        attention = 4 * self.layers * self.heads * self.head_width * seen
        return 2 * tokens * self.layer_weights + attention + 2 * answers * self.head_weights


@dataclass(frozen=True)
class Vision:
    """An image's way into a multimodal LLM: the tokens it becomes, the operations that takes."""

    tokens: int
    operations: float


def _published() -> dict[str, Any]:
    text = (resources.files("stages.work") / PUBLISHED).read_text(encoding="utf-8")
    known: dict[str, Any] = json.loads(text)
    return known


def is_published(name: str) -> bool:
    """Whether a model's configuration comes with this project, so that no hub is asked for it."""
    return name in _published()


def configuration(name: str, revision: str | None, kind: hub.Kind, folder: Path | None) -> Any:
    """A model's transformers configuration.

    Args:
        kind: what errors propose instead.
        folder: of its files, where they are on this machine.

    Raises:
        UserError: it is neither here, nor one of the recipes' own, nor on the hub within reach, or
            transformers does not know its architecture.
    """
    from transformers import AutoConfig

    if folder is None:
        known = _published()
        if name in known:
            fields = dict(known[name])
            return AutoConfig.for_model(fields.pop("model_type"), **fields)
        folder = hub.configuration(name, revision, kind)
    try:
        return AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except pretrained.FAILURES as error:
        raise UserError(f"{name}: {pretrained.first_line(error)}") from error


def _linear_weights(part: nn.Module) -> int:
    return sum(each.weight.numel() for each in part.modules() if isinstance(each, nn.Linear))


def decoder(config: Any, parameters: int, layers: nn.Module, head: nn.Module) -> Decoder:
    """A text model's numbers, from its configuration, its layers and its head."""
    heads = config.num_attention_heads
    return Decoder(
        parameters=parameters,
        layer_weights=_linear_weights(layers),
        head_weights=_linear_weights(head),
        layers=config.num_hidden_layers,
        heads=heads,
        key_heads=getattr(config, "num_key_value_heads", None) or heads,
        head_width=getattr(config, "head_dim", None) or config.hidden_size // heads,
        hidden=config.hidden_size,
        intermediate=config.intermediate_size,
    )


def _meta(auto_class: Any, name: str, config: Any) -> Any:
    try:
        with torch.device("meta"):
            return auto_class.from_config(config, trust_remote_code=False)
    except pretrained.FAILURES as error:
        raise UserError(
            f"{name}: not a model this stage can use ({pretrained.first_line(error)})"
        ) from error


def encoder(auto_class: Any, name: str, config: Any) -> tuple[int, int]:
    """How many parameters a model of a class of transformers has, and how many of them are weights
    of linear maps. Raises UserError where the configuration is of no such model.
    """
    model = _meta(auto_class, name, config)
    return sum(each.numel() for each in model.parameters()), _linear_weights(model)


def language(name: str, config: Any) -> Decoder:
    """A causal LM's numbers.

    Raises UserError where the configuration is of no such model, or of one laid out otherwise than
    Llama.
    """
    from transformers import AutoModelForCausalLM

    model = _meta(AutoModelForCausalLM, name, config)
    total = sum(each.numel() for each in model.parameters())
    try:
        return decoder(config, total, model.model.layers, model.get_output_embeddings())
    except AttributeError as error:
        raise UserError(
            f"{name}: laid out otherwise than Llama ({error}); its cost cannot be told here"
        ) from error


def multimodal(name: str, config: Any) -> tuple[Decoder, Vision]:
    """An image-text-to-text model's numbers, its text part and its vision part.

    Raises:
        UserError: the configuration is of no such model, or of one laid out otherwise than LLaVA.
    """
    from transformers import AutoModelForImageTextToText

    model = _meta(AutoModelForImageTextToText, name, config)
    total = sum(each.numel() for each in model.parameters())
    try:
        seeing, text = config.vision_config, config.text_config
        tokens = (seeing.image_size // seeing.patch_size) ** 2
        tower = model.model.vision_tower
        inside = tokens + 1  # with the class token
        among = 4 * seeing.num_hidden_layers * seeing.hidden_size * inside**2
        joined = tokens * _linear_weights(model.model.multi_modal_projector)
        patches = sum(each.weight.numel() for each in tower.modules() if type(each) is nn.Conv2d)
        products = inside * _linear_weights(tower) + tokens * patches + joined
        vision = Vision(tokens, 2 * products + among)
        layers, head = model.model.language_model.layers, model.get_output_embeddings()
    except AttributeError as error:
        raise UserError(
            f"{name}: laid out otherwise than LLaVA ({error}); its cost cannot be told here"
        ) from error
    return decoder(text, total, layers, head), vision

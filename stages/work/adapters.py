"""A low-rank adapter (LoRA) of a frozen model: its file's content, and its way into the weights.

The content is a safetensors file under peft's names of tensors, and in its metadata what peft's
configuration says: rank, alpha and the linear maps it is of. The adapter's identity is the sha256
of that content: it stands in the key of whatever the adapted model says.

Shapes: R rank, I and O width of a linear map's input and output.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from safetensors import numpy as safetensors
from torch import nn

from stages.errors import UserError

SUFFIX = ".safetensors"
_PREFIX = "base_model.model."
_ENTRY = "adapter"


def targets(name: str, model: Any, modules: Sequence[str], layers: int | None) -> list[str]:
    """The linear maps of these names in the language model's layers, by their names in the model.

    Args:
        name: what the person called the model.
        model: of transformers, with a language model in it.
        modules: such as q_proj.
        layers: of how many, the last ones; None: all.

    Raises:
        UserError: a layer has no such map, or there are fewer layers.
    """
    stack = getattr(model.get_decoder(), "layers", None)
    if stack is None:
        raise UserError(
            f"{name}: its layers are not where Llama has them; name a Llama, Qwen2 or Mistral-like "
            "model"
        )
    if layers is not None and layers > len(stack):
        raise UserError(
            f"finetune.lora.layers: asks for the last {layers}, and {name} has {len(stack)}"
        )
    places = {id(part): place for place, part in model.named_modules()}
    found = []
    for layer in stack[-layers:] if layers else stack:
        linear = {
            place.rpartition(".")[2]: part
            for place, part in layer.named_modules()
            if isinstance(part, nn.Linear)
        }
        if missing := [module for module in modules if module not in linear]:
            raise UserError(
                f"finetune.lora.modules: the layers of {name} have no {missing[0]} (they have "
                f"{', '.join(linear)})"
            )
        found += [places[id(linear[module])] for module in modules]
    return found


def packed(rank: int, alpha: float, weights: Mapping[str, np.ndarray[Any, Any]]) -> bytes:
    """An adapter as a file's content; the same one gives the same bytes.

    weights: by `NAME.lora_A.weight` (R, I) and `NAME.lora_B.weight` (O, R), NAME of the linear map
    in the model.
    """
    names = sorted({name.rpartition(".lora_")[0] for name in weights})
    said = {"peft_type": "LORA", "r": rank, "lora_alpha": alpha, "target_modules": names}
    # One entry only: safetensors writes several in an order that varies from run to run.
    metadata = {_ENTRY: json.dumps(said, sort_keys=True)}
    content: bytes = safetensors.save(
        {_PREFIX + name: np.ascontiguousarray(of) for name, of in weights.items()}, metadata
    )
    return content


def identity(content: bytes) -> str:
    """What determines an adapter's numbers, for keys in the work store."""
    return hashlib.sha256(content).hexdigest()


@torch.no_grad()
def merge(name: str, model: Any, content: bytes) -> Any:
    """Add an adapter to the weights it is of, in place: W + alpha / rank · B A, in float32, rounded
    once to the weights' own format.

    Args:
        name: what the person called the model.

    Returns:
        The same model.

    Raises:
        UserError: the model lacks a map that the adapter is of, or has it in another size.
    """
    size = int.from_bytes(content[:8], "little")
    said = json.loads(json.loads(content[8 : 8 + size])["__metadata__"][_ENTRY])
    weights = safetensors.load(content)
    for target in said["target_modules"]:
        a_RI, b_OR = (
            torch.from_numpy(weights[f"{_PREFIX}{target}.lora_{which}.weight"]) for which in "AB"
        )
        delta_OI = said["lora_alpha"] / said["r"] * (b_OR.float() @ a_RI.float())
        try:
            weight_OI = model.get_submodule(target).weight
            fits = weight_OI.shape == delta_OI.shape
        except AttributeError:
            fits = False
        if not fits:
            raise UserError(
                f"{name}: the adapter is of another model, which has a map {target} of "
                f"{tuple(delta_OI.shape)}"
            )
        weight_OI.data = (weight_OI.float() + delta_OI.to(weight_OI.device)).to(weight_OI.dtype)
    return model

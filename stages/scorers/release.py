"""The authors' checkpoints, read without trusting them.

The release saves PyTorch Lightning checkpoints: a dictionary whose `state_dict` holds the model
beside what training needs. Names and order of the layers are those of
`stages.scorers.global_attention`.

Shapes: M width, D embedding width, F width inside an encoder layer.
"""

import pickle
import re
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from stages.errors import UserError
from stages.scorers.global_attention import GlobalAttention
from stages.scorers.head import Headed
from stages.scorers.mlp import Mlp

HEADS = 2
"""Attention heads: the paper's number. The weights' shapes do not tell it."""

_PARTS = ("d_linear1.", "d_linear1_norm.", "transformer_encoder_agg.", "mlp_head.")


def _state(path: Path) -> dict[str, Tensor]:
    try:
        content: Any = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such checkpoint; fetch it from the authors' page") from error
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as error:
        raise UserError(
            f"{path} cannot be read as a checkpoint of tensors: {str(error).splitlines()[0]} "
            "Expected a Lightning .ckpt of the LLMVS release; a file that needs more than tensors "
            "to be unpickled is refused"
        ) from error
    state = content.get("state_dict") if isinstance(content, dict) else None
    if not isinstance(state, dict):
        found = (
            ", ".join(map(str, content)) if isinstance(content, dict) else type(content).__name__
        )
        raise UserError(f"{path}: expected a Lightning checkpoint with state_dict, found {found}")
    return state


def _ours(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The model's own entries, whatever the Lightning module called it."""
    found = {}
    for name, tensor in state.items():
        for part in _PARTS:
            place = name.find(part)
            if place == 0 or (place > 0 and name[place - 1] == "."):
                found[name[place:]] = tensor
                break
    return found


def load_checkpoint(path: Path, heads: int = HEADS) -> Headed:
    """A released model, in evaluation mode; D, M, F and the layers are read off its shapes.

    One without encoder layers is the row without attention.

    Args:
        path: a Lightning checkpoint with `state_dict`.
        heads: of the attention, which the shapes leave open.

    Raises:
        UserError: not such a file; says what was expected and what was found.
    """
    state = _ours(_state(path))
    wanted = "d_linear1.weight"
    if wanted not in state or state[wanted].dim() != 2:
        names = ", ".join(sorted(state)[:5]) or "none of its layers"
        raise UserError(
            f"{path}: expected the layers {', '.join(part[:-1] for part in _PARTS)}, found {names}"
        )
    width, embedding = state[wanted].shape
    numbers = {
        int(match[1])
        for name in state
        if (match := re.match(r"transformer_encoder_agg\.layers\.(\d+)\.", name))
    }
    if width % 16 or width % heads:
        raise UserError(f"{path}: d_linear1 is {width} wide, no multiple of 16 and {heads} heads")
    model: Headed
    if numbers:
        inner = state.get("transformer_encoder_agg.layers.0.linear1.weight")
        feedforward = 2048 if inner is None else len(inner)
        model = GlobalAttention(embedding, width, len(numbers), heads, feedforward)
    else:
        model = Mlp(embedding, width)
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        raise UserError(f"{path}: not a checkpoint of this model. {error}") from error
    return model.eval()

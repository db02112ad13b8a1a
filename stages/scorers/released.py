"""Checkpoints as other authors release them, read without trusting them.

A file of `torch.save`: the weights by name, or a dictionary that holds them beside what training
kept. Only tensors are unpickled.
"""

import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from stages.errors import UserError

_HOLDING = ("state_dict", "model_state_dict", "model", "net", "weights")
"""What the entry is called that holds the weights, where they are not alone."""

_WRAPPED = "module."
"""What torch's data-parallel wrappers put before every name."""

_SAVED = (b"PK\x03\x04", b"\x80")
"""How a file of `torch.save` begins: an archive, or, before torch 1.6, a pickle."""

_NAMED = 4
"""Names that a message lists of each fault."""


def recognised(path: Path) -> bool:
    """Whether a file looks like one of `torch.save`; False where there is none."""
    try:
        with path.open("rb") as file:
            begins = file.read(9)
    except OSError:
        return False
    # Any bytes may begin a safetensors file, a length; its header then opens with a brace.
    return begins.startswith(_SAVED) and begins[8:] != b"{"


def content(path: Path) -> Any:
    """What the file holds, its tensors on the CPU.

    Raises UserError where it is missing or holds more than tensors and what they lie in.
    """
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such checkpoint; fetch it from the authors' page") from error
    except (
        *(pickle.UnpicklingError, RuntimeError, EOFError),
        *(ValueError, KeyError, OSError),
    ) as error:
        said = str(error).splitlines() or [type(error).__name__]
        raise UserError(
            f"{path} cannot be read as a checkpoint of tensors: {said[0]} A file that needs more "
            "than tensors to be unpickled is refused"
        ) from error


def weights(path: Path) -> dict[str, Tensor]:
    """The weights by name, on the CPU. Raises UserError as `content`, or where there are none."""
    whole = content(path)
    found = _named(whole)
    if found is None and isinstance(whole, dict):
        held = (_named(whole.get(name)) for name in _HOLDING)
        found = next((state for state in held if state is not None), None)
    if found is None:
        raise UserError(
            f"{path}: expected weights by name, alone or under {', '.join(_HOLDING)}; found "
            f"{_described(whole)}"
        )
    if all(name.startswith(_WRAPPED) for name in found):
        found = {name.removeprefix(_WRAPPED): tensor for name, tensor in found.items()}
    return found


def _described(whole: Any) -> str:
    """What a file holds, for a message."""
    return ", ".join(map(str, whole)) if isinstance(whole, dict) else type(whole).__name__


def _named(held: Any) -> dict[str, Tensor] | None:
    if not isinstance(held, Mapping) or not held:
        return None
    if not all(isinstance(tensor, Tensor) for tensor in held.values()):
        return None
    return {str(name): tensor for name, tensor in held.items()}


def shape(state: Mapping[str, Tensor], name: str, dimensions: int = 2) -> tuple[int, ...]:
    """The shape of a matrix that sizes are read off. Raises UserError where it is not there."""
    found = state.get(name)
    if found is None or found.dim() != dimensions:
        has = _listed(sorted(state)) if found is None else f"{name} of shape {tuple(found.shape)}"
        raise UserError(f"expected {name} of {dimensions} dimensions, found {has}")
    return tuple(found.shape)


M = TypeVar("M", bound=nn.Module)


@torch.no_grad()
def fitted(model: M, state: Mapping[str, Tensor], spare: Sequence[str] = ()) -> M:
    """The model with these weights.

    Args:
        model: of the sizes that the weights have.
        state: by name.
        spare: how names begin that the authors' code keeps and never uses: they may be missing,
            and are 0 then, and may be there beside what the model has.

    Raises:
        UserError: a weight is missing, unexpected, or of another shape.
    """
    own = model.state_dict()
    idle = tuple(spare)
    missing = [name for name in own if name not in state and not name.startswith(idle)]
    beyond = [name for name in state if name not in own and not name.startswith(idle)]
    other = [
        f"{name} {tuple(tensor.shape)} and not {tuple(own[name].shape)}"
        for name, tensor in state.items()
        if name in own and tensor.shape != own[name].shape
    ]
    faults = [
        f"{said} {_listed(names)}"
        for said, names in (("missing", missing), ("unexpected", beyond), ("of other shape", other))
        if names
    ]
    if faults:
        raise UserError(f"these are other weights than its authors release: {'; '.join(faults)}")
    for name, tensor in own.items():
        tensor.copy_(state[name]) if name in state else tensor.zero_()
    return model


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more

"""Our own checkpoints: a safetensors file that says of which kind and architecture its weights are.

The registry (`registry.load_checkpoint`) brings a scorer back from one.
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

from safetensors import SafetensorError, safe_open
from safetensors import torch as safetensors
from torch import Tensor

from stages.errors import UserError, anew
from stages.scorers.scorer import Scorer
from stages.work.files import replacing

SUFFIX = ".safetensors"


class Saved(NamedTuple):
    """What a checkpoint holds."""

    kind: str
    architecture: dict[str, Any]
    weights: dict[str, Tensor]


def packed(model: Scorer) -> bytes:
    """Kind, architecture and weights as a file's content; the same model gives the same bytes."""
    said = {"kind": model.kind, "architecture": model.architecture}
    # One entry only: safetensors writes several in an order that varies from run to run.
    metadata = {"scorer": json.dumps(said, sort_keys=True)}
    weights = {name: value.contiguous().cpu() for name, value in model.state_dict().items()}
    content: bytes = safetensors.save(weights, metadata)
    return content


def save(path: Path, model: Scorer) -> None:
    """Write a checkpoint, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_bytes(packed(model))


def read(path: Path) -> Saved:
    """A checkpoint's content, the weights on the CPU.

    Raises:
        UserError: the file is missing, is no safetensors file, or is not one of ours.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise UserError(f"{path}: cannot be read as a checkpoint ({error})") from error
    return Saved(*_said(path, metadata), weights)


def _said(path: Path, metadata: dict[str, str]) -> tuple[str, dict[str, Any]]:
    try:
        said = json.loads(metadata["scorer"])
        return said["kind"], said["architecture"]
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"{path}: names no kind and architecture, as a checkpoint of the train stage does; "
            f"name one that does, or the authors' own .pt or .ckpt, or {anew('train')}"
        ) from error


def described(path: Path) -> tuple[str, dict[str, Any]]:
    """Kind and architecture of a checkpoint, its weights left where they are. Raises as `read`."""
    try:
        with safe_open(path, framework="pt") as file:
            return _said(path, file.metadata() or {})
    except (OSError, SafetensorError) as error:
        raise UserError(f"{path}: cannot be read as a checkpoint ({error})") from error


def restored(path: Path, saved: Saved, scorer: type[Scorer]) -> Scorer:
    """The model, in evaluation mode. Raises UserError where weights and architecture disagree."""
    try:
        model = scorer(**saved.architecture)
        model.load_state_dict(saved.weights)
    except (TypeError, ValueError, RuntimeError) as error:
        raise UserError(f"{path}: weights and architecture disagree ({error})") from error
    return model.eval()

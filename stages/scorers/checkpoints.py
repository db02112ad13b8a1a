"""Our own checkpoints: a safetensors file that says which architecture its weights are of."""

import json
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from stages.errors import UserError
from stages.scorers.global_attention import GlobalAttention
from stages.work.files import replacing


def save(path: Path, model: GlobalAttention) -> None:
    """Write weights and architecture, whole or not at all; the same model gives the same bytes."""
    # One entry only: safetensors writes several in an order that varies from run to run.
    metadata = {"architecture": json.dumps(model.architecture, sort_keys=True)}
    tensors = {name: value.contiguous().cpu() for name, value in model.state_dict().items()}
    with replacing(path) as temporary:
        save_file(tensors, temporary, metadata)


def load(path: Path) -> GlobalAttention:
    """The model of a checkpoint that `save` wrote, on the CPU, in evaluation mode.

    Raises:
        UserError: the file is missing, is no safetensors file, or is not one of ours.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise UserError(f"{path}: cannot be read as a checkpoint ({error})") from error
    if "architecture" not in metadata:
        raise UserError(
            f"{path}: names no architecture, so the train stage did not write it; for a checkpoint "
            "of the authors' release use `llmvs evaluate-release`"
        )
    try:
        model = GlobalAttention(**json.loads(metadata["architecture"]))
        model.load_state_dict(state)
    except (TypeError, ValueError, RuntimeError) as error:
        raise UserError(f"{path}: weights and architecture disagree ({error})") from error
    return model.eval()

"""Loading a pretrained transformers model from its folder, the same way for every kind."""

import sys
from pathlib import Path
from typing import Any

from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError

from stages.errors import UserError

FAILURES = (
    OSError, ValueError, KeyError, ImportError, RuntimeError, SafetensorError, StrictDataclassError,
)  # fmt: skip
"""What transformers raises for files it cannot use, and for packages that are not installed."""


def first_line(error: BaseException) -> str:
    """The first line of an error's message that says something, for a message of our own."""
    first, *more = [line.strip() for line in str(error).splitlines() if line.strip()] or [""]
    return f"{first} {more[0]}" if first.endswith(":") and more else first or type(error).__name__


def dtype_of(setting: str) -> Any:
    """The torch dtype of that name."""
    import torch

    return getattr(torch, setting)


def load(auto_class: Any, name: str, folder: Path, dtype: Any) -> Any:
    """A model in evaluation mode, on the GPUs where there are any.

    Only safetensors are read, and no code that comes with the weights is run.

    Args:
        auto_class: of transformers, such as AutoModelForCausalLM.
        name: what the person called the model.
        folder: its files.
        dtype: torch's, of the weights.

    Raises:
        UserError: the files hold no model of that class that transformers knows, or one that
            does not fit into memory.
    """
    import torch
    from transformers.utils import logging

    if not sys.stderr.isatty():  # a bar of "Loading weights" is one long line in a log
        logging.disable_progress_bar()
    try:
        loaded, report = auto_class.from_pretrained(
            folder,
            dtype=dtype,
            device_map="auto" if torch.cuda.is_available() else None,
            use_safetensors=True,
            output_loading_info=True,
            local_files_only=True,
            trust_remote_code=False,
        )
    except torch.OutOfMemoryError as error:
        raise UserError(
            f"{name}: does not fit into the GPU's memory; free it of others, or name a smaller "
            f"model or dtype ({first_line(error)})"
        ) from error
    except FAILURES as error:
        raise UserError(f"{name}: cannot be loaded from {folder}: {first_line(error)}") from error
    missing = sorted(report["missing_keys"])
    if missing:  # transformers would go on with random numbers in their place
        raise UserError(
            f"{name}: the weights in {folder} lack {len(missing)} tensors of its architecture "
            f"({missing[0]}, …); fetch it again, or name another model"
        )
    return loaded.eval()

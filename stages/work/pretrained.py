"""Loading a pretrained transformers model, or its tokenizer, from its folder: one way for all."""

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


def tokenizer(name: str, folder: Path) -> Any:
    """The tokenizer of a folder, which turns text into ids as its tokenizer.json says.

    A class of transformers may build the rules anew from the vocabulary and leave the file's aside:
    LlamaTokenizer drops Llama-2's normalizer, and with it the space that Meta's SentencePiece
    writes before the [INST] of every turn. So the class gives the names of the special tokens, and
    the file all else.

    Args:
        name: what the person called the model.
        folder: its files.

    Raises:
        UserError: there is no tokenizer that can be used, or no tokenizer.json beside a
            SentencePiece model.
    """
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    local: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    rules = (folder / "tokenizer.json").is_file()
    if not rules and (models := sorted(folder.glob("*.model"))):
        raise UserError(
            f"{name}: {models[0]} has no tokenizer.json beside it, and what transformers makes of "
            "it alone writes spaces otherwise; put the model's tokenizer.json there, or name a "
            "revision or model that ships one"
        )
    try:
        found = AutoTokenizer.from_pretrained(folder, **local)
        if rules and type(found) is not PreTrainedTokenizerFast:
            named = found.special_tokens_map
            found = PreTrainedTokenizerFast.from_pretrained(folder, **local, **named)
    except FAILURES as error:
        said = first_line(error)
        raise UserError(f"{name}: no usable tokenizer in {folder} ({said})") from error
    return found


def load(auto_class: Any, name: str, folder: Path, dtype: Any, spare: tuple[str, ...] = ()) -> Any:
    """A model in evaluation mode, on the GPUs where there are any (`placement.placed`).

    Only safetensors are read, and no code that comes with the weights is run.

    Args:
        auto_class: of transformers, such as AutoModelForCausalLM.
        name: what the person called the model.
        folder: its files.
        dtype: torch's, of the weights.
        spare: beginnings of the names of tensors that may be missing, since nothing is made of
            them.

    Raises:
        UserError: the files hold no model of that class that transformers knows, or one that
            does not fit into the memory of the GPUs.
    """
    import torch
    from transformers.utils import logging

    from stages.work import placement

    if not sys.stderr.isatty():  # a bar of "Loading weights" is one long line in a log
        logging.disable_progress_bar()
    try:
        loaded, report = auto_class.from_pretrained(
            folder,
            dtype=dtype,
            device_map=_places(auto_class, name, folder, dtype),
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
    missing = sorted(key for key in report["missing_keys"] if not key.startswith(spare))
    if missing:  # transformers would go on with random numbers in their place
        raise UserError(
            f"{name}: the weights in {folder} lack {len(missing)} tensors of its architecture "
            f"({missing[0]}, …); fetch it again, or name another model"
        )
    placement.checked(name, loaded)
    return loaded.eval()


def _places(auto_class: Any, name: str, folder: Path, dtype: Any) -> dict[str, int] | None:
    """Where the model of a folder goes; None without a GPU."""
    import torch
    from transformers import AutoConfig

    from stages.work import placement

    if not torch.cuda.is_available():
        return None
    config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    with torch.device("meta"):
        model = auto_class.from_config(config, trust_remote_code=False)
    return placement.placed(name, model, dtype)

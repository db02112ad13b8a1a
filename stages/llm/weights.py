"""A frozen LLM by name: where its weights are, how to get them, what identifies them.

A name is the embedded model, a folder, or a repository on the hub. Whichever it is, its files
are brought to one local folder first, so that everything after works without a network.
"""

import hashlib
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from stages.errors import UserError
from stages.llm import smollm2
from stages.work.store import content_hash

_WANTED = ["*.json", "*.safetensors", "*.jinja", "*.model", "*.txt"]
_UNWANTED = ["consolidated*", "original/*", "onnx/*", "*/*"]


@dataclass(frozen=True)
class Status:
    """Whether a model is on this machine; `remedy` says how to get it where it is not."""

    present: bool
    state: str
    remedy: str = ""


def status(name: str, revision: str | None = None) -> Status:
    """Look, without touching the network."""
    if name == smollm2.NAME:
        path = smollm2.folder()
        if path.is_dir():
            return Status(True, str(path))
        return Status(False, "not fetched", "llmvs weights (93 MB to download, 540 MB on disk)")
    if _is_path(name):
        try:
            return Status(True, str(_checked(Path(name))))
        except UserError as error:
            return Status(False, "unusable", str(error))
    try:
        return Status(True, str(_from_hub(name, revision, local_only=True)))
    except UserError:
        return Status(False, "not fetched", "llmvs weights (downloads it from the hub)")


def fetch(name: str, revision: str | None = None) -> Path:
    """The local folder of a model's files, downloaded where they are absent.

    Args:
        name: the embedded model, a folder, or `owner/model` on the hub.
        revision: branch, tag or commit of a hub model.

    Raises:
        UserError: no network, no such model, no access to a gated one, no safetensors.
    """
    if name == smollm2.NAME:
        return smollm2.fetch()
    if _is_path(name):
        return _checked(Path(name))
    return _checked(_from_hub(name, revision, local_only=False))


def identity(name: str, revision: str | None = None) -> dict[str, str]:
    """What determines a model's numbers, for keys in the work store. Fetches what is absent."""
    if name == smollm2.NAME:
        return {"name": name, "sha256": smollm2.SHA256}
    folder = fetch(name, revision)
    if not _is_path(name):
        # A snapshot's folder is named by the commit that the revision stood for.
        return {"name": name, "commit": folder.name}
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.is_file() and any(path.match(pattern) for pattern in _WANTED):
            digest.update(f"{path.name} {content_hash(path)}\n".encode())
    return {"folder": digest.hexdigest()}


def tokenizer(name: str, revision: str | None = None) -> Any:
    """The model's tokenizer. Raises UserError where it has none that can be used."""
    from transformers import AutoTokenizer

    folder = fetch(name, revision)
    try:
        return AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise UserError(f"{name}: no usable tokenizer in {folder} ({_line(error)})") from error


def dtype_of(setting: str) -> Any:
    """The torch dtype of a setting; `auto` is float32 on CPU and a half width on a GPU."""
    import torch

    if setting != "auto":
        return getattr(torch, setting)
    if not torch.cuda.is_available():
        return torch.float32
    return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16


def model(name: str, revision: str | None = None, dtype: Any = None) -> Any:
    """The causal LM in evaluation mode, on the GPUs where there are any.

    Raises:
        UserError: fetching failed, or the files hold no causal LM that transformers knows.
    """
    import torch
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    if not sys.stderr.isatty():  # a bar of "Loading weights" is one long line in a log
        logging.disable_progress_bar()
    folder = fetch(name, revision)
    try:
        loaded = AutoModelForCausalLM.from_pretrained(
            folder,
            dtype=dtype_of("auto") if dtype is None else dtype,
            device_map="auto" if torch.cuda.is_available() else None,
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=False,
        )
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise UserError(f"{name}: cannot be loaded from {folder}: {_line(error)}") from error
    return loaded.eval()


def ends_of_turn(model_folder: Path, tokenizer: Any) -> tuple[int, ...]:
    """Token ids that end the model's turn: its generation config's, else its tokenizer's."""
    from transformers import GenerationConfig

    try:
        ends = GenerationConfig.from_pretrained(model_folder, local_files_only=True).eos_token_id
    except OSError:
        ends = None
    if ends is None:
        ends = tokenizer.eos_token_id
    if ends is None:
        return ()
    return tuple(sorted({ends} if isinstance(ends, int) else set(ends)))


def _is_path(name: str) -> bool:
    return Path(name).is_dir() or name.startswith((".", "/", "~")) or name.count("/") > 1


def _line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _checked(folder: Path) -> Path:
    folder = folder.expanduser()
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder of model weights")
    if not (folder / "config.json").is_file():
        raise UserError(f"{folder}: no config.json; not a folder saved by transformers")
    if not any(folder.glob("*.safetensors")):
        raise UserError(
            f"{folder}: holds no .safetensors file; pickled weights can run code and are never "
            "read: convert them, or name a model that ships safetensors"
        )
    return folder


@cache
def _from_hub(name: str, revision: str | None, local_only: bool) -> Path:
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    try:
        if not local_only and status(name, revision).present is False:
            files = HfApi().list_repo_files(name, revision=revision)
            if not any(file.endswith(".safetensors") for file in files):
                raise UserError(
                    f"{name}: ships no safetensors; pickled weights can run code and are never "
                    "read: name another model or revision"
                )
        return Path(
            snapshot_download(
                name,
                revision=revision,
                local_files_only=local_only,
                allow_patterns=_WANTED,
                ignore_patterns=_UNWANTED,
            )
        )
    except GatedRepoError as error:
        raise UserError(
            f"{name}: access is gated. Accept its terms on its hub page, put a token of that "
            f"account in HF_TOKEN, and run again; or name an open model, such as {smollm2.NAME}"
        ) from error
    except RevisionNotFoundError as error:
        raise UserError(f"{name}: the hub has no revision {revision!r} of it") from error
    except (RepositoryNotFoundError, HFValidationError) as error:
        raise UserError(
            f"{name}: not the embedded {smollm2.NAME}, no folder, and the hub knows no such "
            "model (a private one needs HF_TOKEN)"
        ) from error
    except _failures(HfHubHTTPError) as error:
        raise UserError(
            f"{name}: not on this machine, and the hub cannot be reached; connect and run "
            "`llmvs weights`, or name a folder that holds it"
        ) from error


def _failures(hub_error: type[Exception]) -> tuple[type[Exception], ...]:
    """What a failing connection raises: OSError, and the base error of the hub's HTTP library.

    Which library that is differs between versions of huggingface_hub.
    """
    return tuple(base for base in hub_error.__mro__ if base.__name__ in ("HTTPError", "OSError"))

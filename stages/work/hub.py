"""The files of a pretrained model by name: where they are, how to get them, what identifies them.

A name is a folder or a repository on the Hugging Face hub. Either way its files are brought to
one local folder first, so that everything after works without a network.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from stages.errors import UserError
from stages.work.files import DiskFullError, is_full
from stages.work.store import content_hash

_SMALL = ("*.json", "*.jinja", "*.model", "*.txt")
_WANTED = (*_SMALL, "*.safetensors")
_UNWANTED = ["consolidated*", "original/*", "onnx/*", "*/*"]
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class Status:
    """Whether a model is on this machine; `remedy` says how to get it where it is not."""

    present: bool
    state: str
    remedy: str = ""


@dataclass(frozen=True)
class Kind:
    """What error messages say of the models a setting takes.

    Args:
        alternative: a model of the kind that is free to use, for whom another is gated.
        embedded: names that are neither folders nor on the hub.
    """

    alternative: str
    embedded: str = ""


def is_path(name: str) -> bool:
    """Whether a name means a folder rather than `owner/model` on the hub."""
    return Path(name).is_dir() or name.startswith((".", "/", "~")) or name.count("/") > 1


def status(name: str, revision: str | None, kind: Kind) -> Status:
    """Look, without touching the network."""
    if is_path(name):
        try:
            return Status(True, str(_checked(Path(name))))
        except UserError as error:
            return Status(False, "unusable", str(error))
    absent = Status(False, "not fetched", "llmvs weights (downloads it from the hub)")
    try:
        folder = _from_hub(name, revision, kind, _WANTED, local_only=True)
    except UserError:
        return absent
    return Status(True, str(folder)) if _whole(folder) else absent


def fetch(name: str, revision: str | None, kind: Kind) -> Path:
    """The local folder of a model's files, downloaded where they are absent.

    Args:
        name: a folder, or `owner/model` on the hub.
        revision: branch, tag or commit of a hub model.
        kind: of model, for what errors propose.

    Raises:
        UserError: no network, no such model, no access to a gated one, no safetensors.
    """
    if is_path(name):
        return _checked(Path(name))
    if not status(name, revision, kind).present:
        _ships_safetensors(name, revision, kind)
    return _checked(_from_hub(name, revision, kind, _WANTED, local_only=False))


def fetch_small(name: str, revision: str | None, kind: Kind) -> Path:
    """The local folder of a model's configuration, tokenizer and the like, and maybe no weights.

    Raises UserError as `fetch`.
    """
    if is_path(name):
        return _checked(Path(name))
    try:
        _from_hub(name, revision, kind, _SMALL, local_only=True)
    except UserError:
        _ships_safetensors(name, revision, kind)
    return _from_hub(name, revision, kind, _SMALL, local_only=False)


def identity(name: str, revision: str | None, kind: Kind) -> dict[str, str]:
    """What determines a model's numbers, for keys in the work store.

    A hub model at a commit is known by that commit, present or not; of another the small files are
    fetched.

    Raises:
        UserError: as `fetch`.
    """
    if is_path(name):
        digest = hashlib.sha256()
        for path in sorted(fetch(name, revision, kind).iterdir()):
            if path.is_file() and any(path.match(pattern) for pattern in _WANTED):
                digest.update(f"{path.name} {content_hash(path)}\n".encode())
        return {"folder": digest.hexdigest()}
    if revision and _COMMIT.fullmatch(revision):
        return {"name": name, "commit": revision}
    # A snapshot's folder is named by the commit that the revision stood for.
    return {"name": name, "commit": fetch_small(name, revision, kind).name}


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


def configuration(name: str, revision: str | None, kind: Kind) -> Path:
    """A hub model's config.json and nothing else of it. Raises UserError as `fetch`."""
    from huggingface_hub import hf_hub_download

    with _explained(name, revision, kind):
        return Path(hf_hub_download(name, "config.json", revision=revision))


def _whole(folder: Path) -> bool:
    """Whether a snapshot holds its weights, every part of them where they come in several."""
    index = folder / "model.safetensors.index.json"
    if not index.is_file():
        return any(folder.glob("*.safetensors"))
    parts = json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()
    return all((folder / part).is_file() for part in set(parts))


def _ships_safetensors(name: str, revision: str | None, kind: Kind) -> None:
    """Ask the hub before anything is downloaded. Raises UserError where it ships none."""
    from huggingface_hub import HfApi

    with _explained(name, revision, kind):
        files = HfApi().list_repo_files(name, revision=revision)
    if not any(file.endswith(".safetensors") for file in files):
        raise UserError(
            f"{name}: ships no safetensors; pickled weights can run code and are never "
            "read: name another model or revision"
        )


@cache
def _from_hub(
    name: str, revision: str | None, kind: Kind, wanted: tuple[str, ...], local_only: bool
) -> Path:
    from huggingface_hub import snapshot_download

    with _explained(name, revision, kind):
        return Path(
            snapshot_download(
                name,
                revision=revision,
                local_files_only=local_only,
                allow_patterns=list(wanted),
                ignore_patterns=_UNWANTED,
            )
        )


@contextmanager
def _explained(name: str, revision: str | None, kind: Kind) -> Iterator[None]:
    """Turns what goes wrong with the hub into a message that says what to do."""
    from huggingface_hub import constants
    from huggingface_hub.errors import (
        EntryNotFoundError,
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    try:
        yield
    except GatedRepoError as error:
        raise UserError(
            f"{name}: access is gated. Accept its terms on its hub page, put a token of that "
            f"account in HF_TOKEN, and run again; or name an open model, such as {kind.alternative}"
        ) from error
    except RevisionNotFoundError as error:
        raise UserError(f"{name}: the hub has no revision {revision!r} of it") from error
    except (RepositoryNotFoundError, HFValidationError) as error:
        neither = f"not the embedded {kind.embedded}, no folder" if kind.embedded else "no folder"
        raise UserError(
            f"{name}: {neither}, and the hub knows no such model (a private one needs HF_TOKEN)"
        ) from error
    except _failures(HfHubHTTPError) as error:
        if is_full(error):
            raise DiskFullError(constants.HF_HUB_CACHE) from error
        if isinstance(error, EntryNotFoundError) and not isinstance(error, LocalEntryNotFoundError):
            raise UserError(f"{name}: the hub has no config.json of it; name a model") from error
        raise UserError(
            f"{name}: not on this machine, and the hub cannot be reached; connect and run "
            "`llmvs weights`, or name a folder that holds it"
        ) from error


def _failures(hub_error: type[Exception]) -> tuple[type[Exception], ...]:
    """What a failing connection raises: OSError, and the base error of the hub's HTTP library.

    Which library that is differs between versions of huggingface_hub.
    """
    return tuple(base for base in hub_error.__mro__ if base.__name__ in ("HTTPError", "OSError"))

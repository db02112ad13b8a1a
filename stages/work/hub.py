"""The files of a pretrained model by name: where they are, how to get them, what identifies them.

A name is a folder or a repository on the Hugging Face hub. Either way its files are brought to
one local folder first, so that everything after works without a network.
"""

import hashlib
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

from stages.errors import UserError
from stages.work import parts
from stages.work.files import standing
from stages.work.refusals import Kind, explained
from stages.work.store import content_hash

__all__ = [
    "Kind", "Status", "access", "configuration", "fetch", "fetch_small", "identity", "is_path",
    "is_wanted", "stand_in", "status",
]  # fmt: skip

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


_stand_ins: dict[str, Path] = {}
_commits: dict[tuple[str, str | None], str] = {}
"""What a hub model's branch or tag, or None, stood for when its identity was asked for."""


def stand_in(name: str, folder: Path) -> None:
    """Have a folder stand for a name in this process: on a machine that has its files elsewhere."""
    _stand_ins[name] = folder


def _place(name: str) -> Path:
    return _stand_ins.get(name) or Path(name)


def is_path(name: str) -> bool:
    """Whether a name means a folder rather than `owner/model` on the hub."""
    return (
        name in _stand_ins
        or Path(name).is_dir()
        or name.startswith((".", "/", "~"))
        or name.count("/") > 1
    )


def commits() -> dict[tuple[str, str | None], str]:
    """The commits that revisions stand for in this process, for another one (`pin`)."""
    return dict(_commits)


def pin(known: Mapping[tuple[str, str | None], str]) -> None:
    """Have revisions stand for these commits, whatever they have moved on to on the hub: keys in
    the work store name these.
    """
    _commits.update(known)


def _pinned(name: str, revision: str | None) -> str | None:
    """The commit that a revision stands for in this process, or itself where none is known yet."""
    return _commits.get((name, revision), revision)


def anywhere(name: str) -> str:
    """A name that stands for the same from any working folder: a folder's is made absolute."""
    here = is_path(name) and name not in _stand_ins
    return str(Path(name).expanduser().resolve()) if here else name


def status(name: str, revision: str | None, kind: Kind) -> Status:
    """Look, without touching the network."""
    revision = _pinned(name, revision)
    if is_path(name):
        try:
            return Status(True, str(_checked(_place(name))))
        except UserError as error:
            return Status(False, "unusable", str(error))
    absent = Status(False, "not fetched", "llmvs weights (downloads it from the hub)")
    try:
        folder = _from_hub(name, revision, kind, _WANTED, local_only=True)
        whole = True
    except UserError as error:
        # What a download that was broken off has left.
        partial = getattr(error.__cause__, "snapshot_path", None)
        if partial is None:
            return absent
        folder, whole = Path(partial), False
    wanted, missing = parts.wanted(folder), parts.missing(folder)
    if missing and len(missing) < len(wanted):
        said = f"{len(missing)} of {len(wanted)} parts missing ({missing[0]})"
        return Status(False, said, absent.remedy)
    return Status(True, str(folder)) if whole and wanted and not missing else absent


def fetch(name: str, revision: str | None, kind: Kind) -> Path:
    """The local folder of a model's files, downloaded where they are absent.

    Args:
        name: a folder, or `owner/model` on the hub.
        revision: branch, tag or commit of a hub model.
        kind: of model, for what errors propose.

    Raises:
        UserError: no network, no such model, no access to a gated one, no safetensors, or no room
            for them.
    """
    if is_path(name):
        return _checked(_place(name))
    revision = _pinned(name, revision)
    if not status(name, revision, kind).present:
        sizes = _ships_safetensors(name, revision, kind)
        access(name, revision, kind)
        _has_room(name, sizes)
    return _checked(_from_hub(name, revision, kind, _WANTED, local_only=False))


def fetch_small(name: str, revision: str | None, kind: Kind) -> Path:
    """The local folder of a model's configuration, tokenizer and the like, and maybe no weights.

    Raises UserError as `fetch`.
    """
    if is_path(name):
        return _checked(_place(name))
    revision = _pinned(name, revision)
    try:
        _from_hub(name, revision, kind, _SMALL, local_only=True)
    except UserError:
        _ships_safetensors(name, revision, kind)
    folder = _from_hub(name, revision, kind, _SMALL, local_only=False)
    if [path.name for path in folder.iterdir()] == ["config.json"]:
        raise UserError(  # what `configuration` left; without a network no more is to be had
            f"{name}: of it only config.json is on this machine, and the hub cannot be reached; "
            "connect and run this again, or name a folder that holds it"
        )
    return folder


def identity(name: str, revision: str | None, kind: Kind) -> dict[str, str]:
    """What determines a model's numbers, for keys in the work store.

    A hub model at a commit is known by that commit, present or not; of another the small files are
    fetched.

    Raises:
        UserError: as `fetch`.
    """
    if is_path(name):
        folder = fetch(name, revision, kind)
        return {"folder": _digest(folder, mark(folder))}
    if revision and _COMMIT.fullmatch(revision):
        return {"name": name, "commit": revision}
    # A snapshot's folder is named by the commit that the revision stood for. What is read later,
    # here or by a worker elsewhere, is of that one too.
    commit = fetch_small(name, revision, kind).name
    _commits[name, revision] = commit
    return {"name": name, "commit": commit}


Mark = tuple[tuple[str, int, int], ...]
"""Of each file of a folder its name, its size and when it was written."""


@cache
def _digest(folder: Path, mark: Mark) -> str:
    """Of files by their names and content; read once, as long as the mark stays: a model is asked
    for its identity again and again.
    """
    digest = hashlib.sha256()
    for name, _, _ in mark:
        digest.update(f"{name} {content_hash(folder / name)}\n".encode())
    return digest.hexdigest()


def mark(folder: Path) -> Mark:
    """Of what belongs to a model's numbers, in order."""
    found = []
    for path in sorted(folder.iterdir()):
        if path.is_file() and is_wanted(path.name):
            status = path.stat()
            found.append((path.name, status.st_size, status.st_mtime_ns))
    return tuple(found)


def is_wanted(name: str) -> bool:
    """Whether a file of that name belongs to a model's numbers."""
    return any(fnmatch(name, pattern) for pattern in _WANTED)


def _checked(folder: Path) -> Path:
    folder = folder.expanduser()
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder of model weights")
    if not (folder / "config.json").is_file():
        raise UserError(f"{folder}: no config.json; not a folder saved by transformers")
    wanted = parts.wanted(folder)
    if not wanted:
        raise UserError(
            f"{folder}: holds no .safetensors file; pickled weights can run code and are never "
            "read: convert them, or name a model that ships safetensors"
        )
    if missing := parts.missing(folder):
        raise UserError(
            f"{folder}: {len(missing)} of {len(wanted)} parts of the weights are missing, "
            f"{missing[0]} for one; fetch or copy it again"
        )
    return folder


def configuration(name: str, revision: str | None, kind: Kind) -> Path:
    """A hub model's config.json and nothing else of it. Raises UserError as `fetch`."""
    from huggingface_hub import hf_hub_download

    with explained(name, revision, kind):
        return Path(hf_hub_download(name, "config.json", revision=revision))


def access(name: str, revision: str | None, kind: Kind) -> None:
    """Ask the hub whether a model's files may be read; nothing is downloaded.

    Raises UserError where they may not, or the hub cannot be reached.
    """
    from huggingface_hub import get_hf_file_metadata, hf_hub_url

    with explained(name, revision, kind):
        get_hf_file_metadata(hf_hub_url(name, "config.json", revision=revision))


def _ships_safetensors(name: str, revision: str | None, kind: Kind) -> dict[str, int]:
    """Ask the hub before anything is downloaded.

    Returns the bytes of each file that would be. Raises UserError where none is safetensors.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.hf_api import RepoFile

    with explained(name, revision, kind):
        listed = list(HfApi().list_repo_tree(name, revision=revision))
    sizes = {
        each.path: each.size
        for each in listed
        if isinstance(each, RepoFile)
        and any(fnmatch(each.path, pattern) for pattern in _WANTED)
        and not any(fnmatch(each.path, pattern) for pattern in _UNWANTED)
    }
    if not any(path.endswith(".safetensors") for path in sizes):
        raise UserError(
            f"{name}: ships no safetensors; pickled weights can run code and are never "
            "read: name another model or revision"
        )
    return sizes


def _has_room(name: str, sizes: dict[str, int]) -> None:
    """Raises UserError where files of these bytes, less what is here of them, do not fit."""
    from huggingface_hub import constants

    cache = Path(constants.HF_HUB_CACHE)
    repository = cache / f"models--{name.replace('/', '--')}"
    held = sum(path.stat().st_size for path in repository.glob("blobs/*"))
    needed = max(0, sum(sizes.values()) - held)
    free = shutil.disk_usage(standing(cache.absolute())).free
    if free < needed:
        raise UserError(
            f"{name}: {needed / 1e9:.1f} GB are left to fetch, and {cache} has {free / 1e9:.1f} "
            "free; make room, or name a folder on another disk in HF_HUB_CACHE"
        )


@cache
def _from_hub(
    name: str, revision: str | None, kind: Kind, wanted: tuple[str, ...], local_only: bool
) -> Path:
    from huggingface_hub import snapshot_download

    with explained(name, revision, kind):
        return Path(
            snapshot_download(
                name,
                revision=revision,
                local_files_only=local_only,
                allow_patterns=list(wanted),
                ignore_patterns=_UNWANTED,
            )
        )

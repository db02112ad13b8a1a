"""Results of expensive items, each under the hash of everything that determines it.

DVC deletes a stage's outputs before running it, so what must survive a killed stage cannot live
there. It lives here: `.work/` beside `.dvc/`, ignored by git and DVC. In `dvc exp run --temp`
and `--queue` `DVC_ROOT` still names the main checkout, so parallel experiments share one store;
entries are written under a temporary name and renamed, so they cannot corrupt each other's.

Layout: ``items/ab/abcdef….npz`` holds one item (`stages.work.items`); ``roots/….json`` names the
keys one output was assembled from, or is to be (`stages.work.roots`).
"""

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from stages.work import items, roots
from stages.work.files import replacing
from stages.work.items import Arrays
from stages.work.roots import Root

log = logging.getLogger("llmvs")


def _canonical(value: Any) -> Any:
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return {"float": value.hex()}
        case bytes():
            return {"bytes": hashlib.sha256(value).hexdigest()}
        case np.ndarray():
            content = hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()
            return {"array": [str(value.dtype), list(value.shape), content]}
        case Mapping():
            return {"map": [[str(k), _canonical(value[k])] for k in sorted(value)]}
        case list() | tuple():
            return [_canonical(item) for item in value]
    raise TypeError(f"cannot be part of a key: {type(value).__name__}")


def key(**determinants: Any) -> str:
    """sha256 over a canonical form of everything that determines an item's result."""
    text = json.dumps(_canonical(determinants), ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def content_hash(path: Path) -> str:
    """sha256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Store:
    """A directory of finished items. Safe for several processes at once.

    stage, output: what the items are wanted for, where they are wanted for an output.
    """

    def __init__(self, root: Path, stage: str = "", output: Path | None = None) -> None:
        self.root, self.stage, self.output = root, stage, output

    @classmethod
    def default(cls, stage: str = "", output: Path | None = None) -> "Store":
        """The store of this checkout: `$DVC_ROOT/.work`, or `.work` where DVC is not running."""
        return cls(Path(os.environ.get("DVC_ROOT", ".")) / ".work", stage, output)

    @property
    def roots(self) -> Path:
        """The folder that says what items are for."""
        return self.root / "roots"

    def place(self, item_key: str) -> Path:
        """Where an item is, or would be."""
        return self.root / "items" / item_key[:2] / f"{item_key}.npz"

    def __contains__(self, item_key: str) -> bool:
        return self.place(item_key).is_file()

    def damage(self, item_key: str) -> str | None:
        """What is wrong with an item that is there; None where nothing is, or there is none."""
        try:
            content = self._content(item_key)
            if content is not None:
                items.check(item_key, content)
        except (items.DamagedError, OSError) as error:
            return str(error)
        return None

    def get(self, item_key: str) -> Arrays | None:
        """The arrays under a key; None where there are none, or not those that were put there.

        Computing them again is always right, and puts them in the place of what is damaged.
        """
        try:
            content = self._content(item_key)
            return None if content is None else items.unpacked(item_key, content)
        except (items.DamagedError, OSError):
            return None

    def _content(self, item_key: str) -> bytes | None:
        place = self.place(item_key)
        try:
            # Not what would wait for a writer, as a pipe does.
            if not place.is_file() and place.exists():
                raise items.DamagedError("not a file")
            return place.read_bytes()
        except FileNotFoundError as error:
            if place.is_symlink():
                raise items.DamagedError("a link to nothing") from error
            return None

    def put(self, item_key: str, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
        """Write an item whole or not at all. Raises DiskFullError where there is no room."""
        place, parts = self.place(item_key), items.packed(item_key, arrays)
        if place.is_dir():
            self.drop(item_key)  # a file cannot take its place
        with (
            replacing(place, sum(map(len, parts))) as temporary,
            temporary.open("wb") as file,
        ):
            file.writelines(parts)

    def drop(self, item_key: str) -> None:
        """Remove an item, whatever stands in its place."""
        place = self.place(item_key)
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
        else:
            place.unlink(missing_ok=True)

    def begin(self, keys: Iterable[str]) -> None:
        """Note, where the items are for an output, that it will be assembled from these keys."""
        if self.output is not None:
            roots.write(self.roots, Root.of(self.stage, self.output, None, keys))

    def keep(self, keys: Iterable[str]) -> None:
        """Note that the output, as it is now, was assembled from these keys."""
        if self.output is not None:
            made = content_hash(self.output)
            roots.finish(self.roots, Root.of(self.stage, self.output, made, keys))

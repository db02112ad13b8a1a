"""Results of expensive items, each under the hash of everything that determines it.

DVC deletes a stage's outputs before running it, so what must survive a killed stage cannot live
there. It lives here: `.work/` beside `.dvc/`, ignored by git and DVC. In `dvc exp run --temp`
and `--queue` `DVC_ROOT` still names the main checkout, so parallel experiments share one store;
entries are written under a temporary name and renamed, so they cannot corrupt each other's.

Layout: ``items/ab/abcdef….npz`` holds one item; ``roots/….json`` lists the keys one finished
output was assembled from, which is what `collect` keeps.
"""

import hashlib
import json
import os
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from stages.work.files import replacing

Arrays = dict[str, np.ndarray[Any, Any]]


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


@dataclass(frozen=True)
class Collected:
    """What `Store.collect` found: entries kept, entries dropped, bytes those held."""

    kept: int
    dropped: int
    freed_bytes: int


class Store:
    """A directory of finished items. Safe for several processes at once."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @classmethod
    def default(cls) -> "Store":
        """The store of this checkout: `$DVC_ROOT/.work`, or `.work` where DVC is not running."""
        return cls(Path(os.environ.get("DVC_ROOT", ".")) / ".work")

    def _item(self, item_key: str) -> Path:
        return self.root / "items" / item_key[:2] / f"{item_key}.npz"

    def __contains__(self, item_key: str) -> bool:
        return self._item(item_key).is_file()

    def get(self, item_key: str) -> Arrays | None:
        """The arrays under a key; None where there are none or the entry cannot be read."""
        try:
            with np.load(self._item(item_key), allow_pickle=False) as archive:
                return {name: archive[name] for name in archive.files}
        except FileNotFoundError:
            return None
        except (ValueError, EOFError, zipfile.BadZipFile):
            # A disk fault; computing again is always right, and overwrites it.
            return None

    def put(self, item_key: str, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
        """Write an item whole or not at all. Raises OSError where the disk is full."""
        with replacing(self._item(item_key)) as temporary, temporary.open("wb") as file:
            # typeshed takes **arrays for the keyword allow_pickle
            np.savez(file, **arrays)  # type: ignore[arg-type]
            file.flush()

    def keep(self, output: Path, keys: Iterable[str]) -> None:
        """Record that `output`, as it is now, was assembled from these keys."""
        root = {"sha256": content_hash(output), "keys": sorted(set(keys))}
        location = output.resolve()
        with suppress(ValueError):
            location = location.relative_to(Path.cwd())
        name = key(output=str(location), sha256=root["sha256"])
        with replacing(self.root / "roots" / f"{name}.json") as temporary:
            temporary.write_text(json.dumps({"output": str(location), **root}), encoding="utf-8")

    def _items(self) -> Iterator[Path]:
        yield from sorted((self.root / "items").glob("*/*.npz"))

    def collect(self, dry_run: bool = False) -> Collected:
        """Drop every item that no current output was assembled from.

        An output is current while the file it named still has the content it had. Run from the
        root of the repository, and not while a stage is at work: its items are not yet used.
        """
        wanted: set[str] = set()
        for path in sorted((self.root / "roots").glob("*.json")):
            root = json.loads(path.read_text(encoding="utf-8"))
            output = Path(root["output"])
            if output.is_file() and content_hash(output) == root["sha256"]:
                wanted.update(root["keys"])
            elif not dry_run:
                path.unlink(missing_ok=True)
        kept = dropped = freed = 0
        for item in self._items():
            if item.stem in wanted:
                kept += 1
                continue
            dropped += 1
            freed += item.stat().st_size
            if not dry_run:
                item.unlink(missing_ok=True)
        return Collected(kept, dropped, freed)

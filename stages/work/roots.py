"""What the items of the work store are for: the outputs made of them, and those not finished yet.

A root is a small file in the store's `roots/`. One of an output that is made names its content and
the keys it was assembled from. One of a stage that has begun names the keys it will want, from
before the first is computed until the output is made, so that what a stopped stage has finished is
known to be its own.

A JSON object whose last entry is the keys, in order and one a line, so that a root of a million is
written and gone through in the memory of one.
"""

import hashlib
import json
import os
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from stages.work.files import replacing

_OPENING, _CLOSING = b'"keys": [\n', b"\n]}"


@dataclass(frozen=True)
class Root:
    """output: its place, from the repository's root where it lies below. sha256: of its content;
    None while it is not made. keys: each once, in order. since: when this was written, in ISO 8601.
    """

    stage: str
    output: str
    sha256: str | None
    keys: Collection[str]
    since: str

    @classmethod
    def of(cls, stage: str, output: Path, sha256: str | None, keys: Iterable[str]) -> "Root":
        location = output.resolve()
        with suppress(ValueError):
            location = location.relative_to(Path.cwd())
        since = datetime.now(UTC).isoformat(timespec="seconds")
        return cls(stage, str(location), sha256, tuple(sorted(set(keys))), since)

    @property
    def name(self) -> str:
        """The same for the same work: of an output and its content, or of the keys it wants."""
        if self.sha256 is not None:
            return hashlib.sha256(f"{self.output}\n{self.sha256}".encode()).hexdigest()
        digest = hashlib.sha256(f"{self.stage}\n{self.output}".encode())
        for key in self.keys:
            digest.update(f"\n{key}".encode())
        return digest.hexdigest()


class _Kept(Collection[str]):
    """The keys of a root's file, read whenever they are gone through; none once it is gone."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __iter__(self) -> Iterator[str]:
        with suppress(FileNotFoundError), self._path.open(encoding="utf-8") as file:
            next(file)
            for line in file:
                if line.startswith('"'):
                    yield json.loads(line.rstrip(",\n"))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, key: object) -> bool:
        return any(key == each for each in self)


def write(folder: Path, root: Root) -> None:
    """Write a root, over an earlier one of the same work."""
    said = {"stage": root.stage, "output": root.output, "sha256": root.sha256, "since": root.since}
    with (
        replacing(folder / f"{root.name}.json") as temporary,
        temporary.open("wb") as file,
    ):
        file.write(json.dumps(said).encode()[:-1] + b", " + _OPENING)
        for place, key in enumerate(root.keys):
            file.write(b",\n" * (place > 0) + json.dumps(key).encode())
        file.write(_CLOSING)


def read(folder: Path) -> Iterator[tuple[Path, Root]]:
    """Every root with its file; files that are none are left out."""
    for path in sorted(folder.glob("*.json")):
        with suppress(OSError, ValueError, TypeError, KeyError):
            yield path, Root(**{"stage": "", "since": ""} | _entries(path))


def _entries(path: Path) -> dict[str, Any]:
    """What a root's file says, its keys to be read from it. One written before keys had lines of
    their own is read whole.
    """
    with path.open("rb") as file:
        first = file.readline()
        if not first.endswith(_OPENING):
            entries: dict[str, Any] = json.loads(first + file.read())
            return entries | {"keys": tuple(entries["keys"])}
        file.seek(-len(_CLOSING), os.SEEK_END)
        if file.read() != _CLOSING:
            raise ValueError("it was cut short")
    found: dict[str, Any] = json.loads(first + b"]}")
    return found | {"keys": _Kept(path)}


def finish(folder: Path, root: Root) -> None:
    """Write the root of an output that is made, and take away those of its beginning: all of the
    same output that want no key which it has not.
    """
    write(folder, root)
    for path, other in read(folder):
        if other.sha256 is None and other.output == root.output:
            made = iter(root.keys)
            if all(key in made for key in other.keys):  # both are in order
                path.unlink(missing_ok=True)

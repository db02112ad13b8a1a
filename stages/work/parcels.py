"""A model's folder as it goes to a machine that has not got it: by value, once a machine.

A hub's model is fetched by each machine itself. A folder is known by its place on this one, and
another may have nothing there, or something else: then its files go through the object store into
the other's cache, under the hash of their content.
"""

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stages.errors import UserError
from stages.work import hub
from stages.work.cache import alone, cache
from stages.work.files import replacing

BLOCK = 64 << 20
"""Bytes of a file that are one object of the store."""


@dataclass(frozen=True)
class Model:
    """The pretrained model that a worker loads.

    name: as the recipe has it; "" for what comes with a package. fetch: brings it to the machine
    on which it is called.
    """

    name: str
    fetch: Callable[[], object]

    def folder(self) -> "Folder | None":
        """Where the name is that of a folder on this machine."""
        if not self.name or not hub.is_path(self.name):
            return None
        place = hub.fetch(self.name, None, hub.Kind(alternative="")).resolve()
        return Folder(self.name, str(place), hub.mark(place))


@dataclass(frozen=True)
class Folder:
    """A folder by its place and what stands there: where both are the same, so is the content."""

    name: str
    place: str
    mark: hub.Mark

    def here(self) -> bool:
        """Whether this machine has it at the same place, as on a file system that both share."""
        return Path(self.place).is_dir() and hub.mark(Path(self.place)) == self.mark

    def parcel(self, ray: Any) -> "Parcel":
        """Put its files into the object store. They stay there while the parcel does."""
        digest = hub.identity(self.place, None, hub.Kind(alternative=""))["folder"]
        files = [
            (name, tuple(ray.put(block) for block in _blocks(Path(self.place) / name)))
            for name, _, _ in self.mark
        ]
        return Parcel(self.name, digest, tuple(files))


@dataclass(frozen=True)
class Parcel:
    """A folder's files as references into the object store, and the sha256 of them all."""

    name: str
    sha256: str
    files: tuple[tuple[str, tuple[Any, ...]], ...]

    def unpacked(self, ray: Any) -> Path:
        """The folder in this machine's cache, written by the first process that asks for it."""
        target = cache() / "models" / self.sha256[:24]
        with alone(str(target)):
            if not (target / _WHOLE).is_file():
                for name, blocks in self.files:
                    with replacing(target / name) as temporary, temporary.open("wb") as file:
                        for block in blocks:
                            file.write(ray.get(block))
                found = hub.identity(str(target), None, hub.Kind(alternative=""))["folder"]
                if found != self.sha256:
                    raise UserError(f"{target}: {self.name} arrived damaged; run again")
                (target / _WHOLE).touch()
        return target


_WHOLE = ".whole"


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        yield from iter(lambda: file.read(BLOCK), b"")


def settle(ray: Any, model: Model | None, folder: Folder | None, parcel: Parcel | None) -> None:
    """Have a model on this machine before it is loaded: fetched, or unpacked, by one process."""
    if model is None:
        return
    if folder is not None:
        hub.stand_in(folder.name, Path(folder.place) if parcel is None else parcel.unpacked(ray))
    with alone(model.name) if model.name else nullcontext():
        model.fetch()

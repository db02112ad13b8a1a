"""HDF5 files opened, and their groups read, with every complaint naming file, group and key."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from stages.artifacts.names import natural
from stages.errors import UserError


@contextmanager
def reading(path: Path, remedy: str) -> Iterator[h5py.File]:
    """An HDF5 file while the block lasts.

    Args:
        path: of the file.
        remedy: how to get it, for the message where it is missing or damaged.
    """
    if not path.is_file():
        raise UserError(f"{path} not found; {remedy}")
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise UserError(f"{path} is not a readable HDF5 file ({error}); {remedy}") from error
    with file:
        try:
            yield file
        except OSError as error:
            if error.errno is not None:  # of another file: a full disk, say, while one is written
                raise
            raise UserError(f"{path} is damaged ({error}); {remedy}") from error


def groups(path: Path, file: h5py.File) -> Iterator["Group"]:
    """The groups at the top of a file in natural order. Raises UserError where there is none."""
    names = sorted((key for key in file if isinstance(file[key], h5py.Group)), key=natural)
    if not names:
        raise UserError(f"{path} holds no group of a video (video_1, ...); wrong file?")
    for name in names:
        yield Group(path, file[name])


class Group:
    """One video's group while it is read."""

    def __init__(self, path: Path, group: Any) -> None:
        self.path, self.group = path, group
        self.name = str(group.name).strip("/")

    def __contains__(self, key: str) -> bool:
        return key in self.group

    def wrong(self, key: str, what: str) -> UserError:
        """The complaint, to be raised."""
        return UserError(f"{self.path}: {self.name}/{key}: {what}")

    def dataset(self, key: str) -> Any:
        if not isinstance(self.group.get(key), h5py.Dataset):
            has = ", ".join(sorted(self.group)) or "nothing"
            raise self.wrong(key, f"is missing (the group has {has})")
        return self.group[key]

    def numbers(self, key: str, shape: Sequence[int | None]) -> npt.NDArray[Any]:
        """The numbers under `key`; None in `shape` stands for any length but zero."""
        array = np.asarray(self.dataset(key)[()])
        if array.dtype.kind not in "biuf":
            raise self.wrong(key, f"must hold numbers, holds {array.dtype}")
        fits = array.ndim == len(shape) and all(
            size == wanted or (wanted is None and size > 0)
            for size, wanted in zip(array.shape, shape, strict=True)
        )
        if not fits:
            wanted = " × ".join("any" if size is None else str(size) for size in shape)
            raise self.wrong(key, f"must be {wanted} in shape, is {array.shape}")
        if not np.isfinite(array).all():
            raise self.wrong(key, "holds NaN or infinity")
        return array

    def count(self, key: str) -> int:
        """One whole number."""
        array = np.asarray(self.dataset(key)[()])
        if array.size != 1 or array.dtype.kind not in "iuf" or not float(array.item()).is_integer():
            raise self.wrong(key, "must be one whole number")
        return int(array.item())

    def text(self, key: str) -> str:
        """One text."""
        value = np.asarray(self.dataset(key)[()]).reshape(-1)
        if value.size != 1:
            raise self.wrong(key, "must be one text")
        name = value[0]
        return name.decode("utf-8") if isinstance(name, bytes) else str(name)

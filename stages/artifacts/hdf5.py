"""HDF5 files written whole or not at all, and read with complaints naming file, group and key."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import h5py
import numpy as np
import numpy.typing as npt

from stages.artifacts.names import natural
from stages.errors import UserError
from stages.work.files import replacing

_LEFT_OUT = "left_out"
_REMEMBERED = 2**17
"""Bytes of a file's directory that HDF5 keeps at hand. It counts them as they are in the file, and
in memory they are five times that: by its own measure, 32 MB, a file of ten thousand videos held
190 MB of what is looked at once."""


class _Sink:
    """What HDF5 writes a file through.

    HDF5 does not survive a write that fails: closing the file then ends the process. So none ever
    does. What the disk refuses is remembered in `refused`, what comes after it goes nowhere, and
    the file is thrown away.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.refused: BaseException | None = None  # an interruption too

    def write(self, data: Any) -> int:
        left = memoryview(data)
        while self.refused is None and left:
            try:
                left = left[self._file.write(left) :]
            except BaseException as error:
                self.refused = error
        self._file.seek(len(left), 1)
        return len(data)

    def truncate(self, size: int) -> int:
        if self.refused is None:
            try:
                return self._file.truncate(size)
            except BaseException as error:
                self.refused = error
        return size

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer)
        found = self._file.readinto(view)  # type: ignore[attr-defined]
        view[found:] = bytes(len(view) - found)  # of what went nowhere
        return len(view)

    def read(self, size: int = -1) -> bytes:
        return self._file.read(size)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def flush(self) -> None:
        pass  # nothing is buffered


class _Filled(h5py.File):  # type: ignore[misc]  # h5py says nothing of its types
    """A file that is being filled: where its sink was refused, that is raised at the next group,
    and not after hours of what goes nowhere.
    """

    def __init__(self, sink: _Sink, track_order: bool) -> None:
        super().__init__(sink, "w", track_order=track_order)
        self._sink = sink

    def create_group(self, *args: Any, **options: Any) -> h5py.Group:
        if self._sink.refused is not None:
            raise self._sink.refused
        return super().create_group(*args, **options)


@contextmanager
def writing(path: Path, *, track_order: bool = False) -> Iterator[h5py.File]:
    """An HDF5 file to fill, which appears whole or not at all. The same gives the same bytes.

    Args:
        path: of the file.
        track_order: keep what is in it in the order of its making, not of its names.

    Raises:
        DiskFullError: there is no room for it.
    """
    with replacing(path) as temporary, temporary.open("w+b", buffering=0) as raw:
        sink = _Sink(raw)
        try:
            with _Filled(sink, track_order) as file:
                forgetful(file)
                yield file
        except Exception:
            if sink.refused is None:
                raise
        if sink.refused is not None:
            raise sink.refused


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
    with file, readable(path, remedy):
        forgetful(file)
        yield file


def forgetful(file: h5py.File) -> None:
    """Have an open file keep little of its own directory in memory."""
    settings = file.id.get_mdc_config()
    settings.set_initial_size = True
    settings.initial_size = settings.min_size = settings.max_size = _REMEMBERED
    file.id.set_mdc_config(settings)


@contextmanager
def readable(path: Path, remedy: str) -> Iterator[None]:
    """Where an open file is read: HDF5's complaints become a message. Arguments as `reading`."""
    try:
        yield
    except (OSError, RuntimeError, KeyError, ValueError) as error:
        if not _of_hdf5(error):
            raise
        raise UserError(f"{path} is damaged ({error}); {remedy}") from error


def _of_hdf5(error: Exception) -> bool:
    """Whether it is HDF5's own complaint of a file, which has no number and is of a plain kind.

    Others' are a full disk while a file is written, a picture that is none, a model's.
    """
    if isinstance(error, OSError):
        return error.errno is None and type(error) is OSError
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and "h5py" in trace.tb_frame.f_code.co_filename


def write_left_out(path: Path, why: str) -> None:
    """A file of a stage that made nothing, which says why."""
    with writing(path) as file:
        file.attrs[_LEFT_OUT] = why


def why_left_out(file: h5py.File) -> str | None:
    """Why there is nothing in a file; None where there is something."""
    why = file.attrs.get(_LEFT_OUT)
    return None if why is None else str(why)


def names(path: Path, file: h5py.File) -> list[str]:
    """Of the groups at the top of a file, in natural order. Raises UserError without any."""
    found = [name for name in file if file.get(name, getclass=True) is h5py.Group]
    if not found:
        raise UserError(f"{path} holds no group of a video (video_1, ...); wrong file?")
    return sorted(found, key=natural)


def groups(path: Path, file: h5py.File) -> Iterator["Group"]:
    """The groups at the top of a file in natural order. Raises UserError as `names`."""
    for name in names(path, file):
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

    def number(self, key: str) -> float:
        """One finite number."""
        return float(self.numbers(key, ()).item())

    def text(self, key: str) -> str:
        """One text."""
        value = np.asarray(self.dataset(key)[()]).reshape(-1)
        name = value[0] if value.size == 1 else None
        if not isinstance(name, (bytes, str)):
            raise self.wrong(key, "must be one text")
        try:
            return name.decode("utf-8") if isinstance(name, bytes) else str(name)
        except UnicodeDecodeError as error:
            raise self.wrong(key, f"is not UTF-8 text ({name!r})") from error

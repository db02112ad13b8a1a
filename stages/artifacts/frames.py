"""The sampled frames of a dataset in one HDF5 file: written video by video, read lazily.

Shapes: T sampled frames, H, W pixels.

A group a video: `jpeg` (T,), the bytes of a JPEG file each, and `picks` (T,).
"""

import io
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import numpy.typing as npt
from PIL import Image

from stages.artifacts import hdf5
from stages.errors import UserError, anew
from stages.work.on_demand import InTurn, MadeAnew

Integers = npt.NDArray[np.int64]
Pixels = npt.NDArray[np.uint8]

_AGAIN = anew("sample")


@dataclass(frozen=True, eq=False)
class Sampled:
    """One video's frames before they are written: a JPEG file's bytes for each of its picks, which
    are gone through once.
    """

    name: str
    picks_T: Integers
    jpegs: Iterable[bytes]


@contextmanager
def writing(path: Path) -> Iterator[Callable[[Sampled], None]]:
    """A function that adds a video, for as long as the block lasts.

    The file appears when the block ends well, and not at all where it raises. The same videos give
    the same bytes.
    """
    with hdf5.writing(path) as file:

        def put(video: Sampled) -> None:
            group = file.create_group(video.name)
            stored_T = group.create_dataset(
                "jpeg", shape=(len(video.picks_T),), dtype=h5py.vlen_dtype(np.uint8)
            )
            for index, jpeg in enumerate(video.jpegs):
                stored_T[index] = np.frombuffer(jpeg, dtype=np.uint8)
            group["picks"] = video.picks_T.astype(np.int64)

        yield put


def write(path: Path, videos: Iterable[Sampled]) -> None:
    """Write videos as they come, one in memory at a time; the file appears whole or not at all."""
    with writing(path) as put:
        for video in videos:
            put(video)


class VideoFrames:
    """One video of an open file. Arrays and frames are read when asked for, not before."""

    def __init__(self, group: hdf5.Group) -> None:
        self._jpegs, self._picks = group.dataset("jpeg"), group.dataset("picks")
        self.name = group.name
        if self._jpegs.shape != self._picks.shape or self._jpegs.ndim != 1:
            raise group.wrong(
                "jpeg", f"is {self._jpegs.shape} in shape, and picks {self._picks.shape}"
            )

    def __len__(self) -> int:
        """Sampled frames, T."""
        return int(self._picks.shape[0])

    def picks(self) -> Integers:
        """The video frame (T,) of each sampled frame, rising."""
        return np.asarray(self._picks[()], dtype=np.int64)

    def jpeg(self, index: int) -> bytes:
        """Sampled frame `index` as the bytes of a JPEG file."""
        return bytes(self._jpegs[index])

    def jpegs(self) -> Iterator[bytes]:
        """The sampled frames in order as the bytes of JPEG files."""
        return (self.jpeg(index) for index in range(len(self)))

    def image(self, index: int) -> Pixels:
        """Sampled frame `index` as (H, W, 3) uint8 RGB."""
        return decoded(self.jpeg(index))


def decoded(jpeg: bytes) -> Pixels:
    """The bytes of a JPEG file as (H, W, 3) uint8 RGB."""
    with Image.open(io.BytesIO(jpeg)) as image:
        return np.asarray(image.convert("RGB"))


class _Videos(MadeAnew[VideoFrames]):
    """The videos of an open file, each looked at when it is asked for."""

    def __init__(self, path: Path, file: h5py.File) -> None:
        super().__init__(hdf5.names(path, file))
        self._path, self._file = path, file

    def make(self, name: str) -> VideoFrames:
        return _of_group(self._path, self._file, name)


def _of_group(path: Path, file: h5py.File, name: str) -> VideoFrames:
    try:
        return VideoFrames(hdf5.Group(path, file[name]))
    except UserError as error:
        raise UserError(f"{error}; {_AGAIN}") from error


@contextmanager
def reading(path: Path) -> Iterator[InTurn[VideoFrames]]:
    """The videos of a frames file in natural order, readable while the block lasts.

    Raises UserError naming the file, and the group, where it is missing or, when that video is
    asked for, not in the schema.
    """
    with hdf5.reading(path, _AGAIN) as file:
        try:
            videos = _Videos(path, file)
        except UserError as error:
            raise UserError(f"{error}; {_AGAIN}") from error
        yield InTurn(videos)


@contextmanager
def reading_one(path: Path, name: str) -> Iterator[VideoFrames]:
    """One video of a frames file, readable while the block lasts, of which no other is looked at.

    Raises UserError naming the file where it is missing, lacks the video, or is not in the schema.
    """
    with hdf5.reading(path, _AGAIN) as file:
        if not isinstance(file.get(name), h5py.Group):
            raise UserError(f"{path}: lacks {name}; {_AGAIN}")
        yield _of_group(path, file, name)

"""What one encoder makes of every sampled frame, or of what is said of it: an input of scorers.

Shapes: T sampled frames, D width of the features.

One HDF5 file an encoder, a group a video: `features` (T, D), not normalised, in float32 or, where
others made them so, float16, and `picks` (T,). A
stage that had nothing to do, because no row is fed what it makes, leaves a file that says so.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from stages.artifacts import hdf5
from stages.artifacts.timeline import same_picks
from stages.artifacts.video import Video
from stages.errors import UserError, anew

Floats = npt.NDArray[np.floating[Any]]

_AGAIN = anew()


@contextmanager
def writing(path: Path) -> Iterator[Callable[[Video, Floats], None]]:
    """A function that adds a video's features (T, D), for as long as the block lasts.

    The file appears when the block ends well, and not at all where it raises. The same features
    give the same bytes.
    """
    with hdf5.writing(path) as file:

        def put(video: Video, features_TD: Floats) -> None:
            group = file.create_group(video.name)
            half = features_TD.dtype == np.float16
            group["features"] = features_TD if half else features_TD.astype(np.float32)
            group["picks"] = video.picks_T.astype(np.int64)

        yield put


def write(path: Path, videos: Iterable[tuple[Video, Floats]]) -> None:
    """Write videos as they come, one in memory at a time; the file appears whole or not at all."""
    with writing(path) as put:
        for video, features_TD in videos:
            put(video, features_TD)


def write_left_out(path: Path, why: str) -> None:
    """A file that holds no features, and says why."""
    hdf5.write_left_out(path, why)


def left_out(path: Path) -> str | None:
    """Why a file holds no features; None where it holds some.

    Raises UserError where it is missing or unreadable.
    """
    with hdf5.reading(path, _AGAIN) as file:
        return hdf5.why_left_out(file)


class Reading:
    """A file of features while it is open."""

    def __init__(self, path: Path, file: h5py.File) -> None:
        self._path, self._file = path, file

    def video(self, video: Video) -> Floats:
        """One video's features (T, D), in float32.

        Raises UserError where they are missing, misshapen, not finite, or of other frames than
        the timeline picks.
        """
        if video.name not in self._file:
            raise UserError(f"{self._path}: lacks {video.name} ({video.title}); {_AGAIN}")
        group = hdf5.Group(self._path, self._file[video.name])
        with hdf5.readable(self._path, _AGAIN):
            try:
                same_picks(video, group.numbers("picks", (None,)), str(self._path))
                return group.numbers("features", (len(video.picks_T), None)).astype(np.float32)
            except UserError as error:
                raise UserError(f"{error}; {_AGAIN}") from error


@contextmanager
def reading(path: Path) -> Iterator[Reading]:
    """The file while the block lasts.

    Raises UserError where it is missing or unreadable, or holds no features, saying why.
    """
    with hdf5.reading(path, _AGAIN) as file:
        if (why := hdf5.why_left_out(file)) is not None:
            raise UserError(f"{path}: holds no features: {why}")
        yield Reading(path, file)

"""The image encoder's features of every sampled frame.

Shapes: T sampled frames, D width of the features.

One HDF5 file a dataset, a group a video: `features` (T, D), `picks` (T,).
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np
import numpy.typing as npt

from stages.artifacts import hdf5
from stages.artifacts.timeline import Video, same_picks
from stages.errors import UserError
from stages.work.files import replacing

Floats = npt.NDArray[np.float32]


def write(path: Path, videos: Iterable[tuple[Video, Floats]]) -> None:
    """Write videos as they come; the file appears whole or not at all."""
    with replacing(path) as temporary, h5py.File(temporary, "w") as file:
        for video, features_TD in videos:
            group = file.create_group(video.name)
            group["features"], group["picks"] = features_TD, video.picks_T


class Reading:
    """An open file of image features."""

    def __init__(self, path: Path, file: h5py.File) -> None:
        self._path, self._file = path, file

    def video(self, video: Video) -> Floats:
        """One video's features (T, D). Raises UserError where they are not there, or not its."""
        if video.name not in self._file:
            raise UserError(f"{self._path}: lacks {video.name}; run the sample stage again")
        group = hdf5.Group(self._path, self._file[video.name])
        same_picks(video, group.numbers("picks", (None,)), f"{self._path}")
        return group.numbers("features", (len(video.picks_T), None)).astype(np.float32)


@contextmanager
def reading(path: Path) -> Iterator[Reading]:
    """The file while the block lasts. Raises UserError where it is missing or unreadable."""
    with hdf5.reading(path, "run the sample stage (`dvc repro`)") as file:
        yield Reading(path, file)

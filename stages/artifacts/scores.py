"""Scores that were given, to be judged as they are, or that films of one's own were: a row each.

Shapes: T sampled frames.

One HDF5 file a dataset: a group a row, in it an array (T,) a video.
"""

from collections.abc import Mapping
from pathlib import Path

import h5py
import numpy as np
import numpy.typing as npt

from stages.artifacts import hdf5
from stages.artifacts.names import natural
from stages.artifacts.timeline import Timeline
from stages.errors import UserError, anew

Floats = npt.NDArray[np.float64]
Rows = dict[str, dict[str, Floats]]
"""By the row's name, by the video's: scores_T."""

_AGAIN = anew()


def write(path: Path, rows: Mapping[str, Mapping[str, npt.ArrayLike]], by: str = "") -> None:
    """Write rows, whole or not at all, in their order. The same rows give the same bytes.

    by: what they come from, in words, where that is known.
    """
    with hdf5.writing(path, track_order=True) as file:
        if by:
            file.attrs["by"] = by
        for row, videos in rows.items():
            group = file.create_group(row)
            for name in sorted(videos, key=natural):
                group[name] = np.asarray(videos[name], dtype=np.float64)


def read(path: Path, timeline: Timeline) -> Rows:
    """Every row's scores (T,) of every video, in the order they were named.

    Raises UserError where a row lacks a video, or a video's scores are not finite or not as many
    as its timeline picks.
    """
    with hdf5.reading(path, _AGAIN) as file:
        names = [name for name in file if isinstance(file[name], h5py.Group)]
        if not names:
            raise UserError(f"{path} holds no row of scores; {_AGAIN}")
        try:
            return {name: _row(hdf5.Group(path, file[name]), timeline) for name in names}
        except UserError as error:
            raise UserError(f"{error}; {_AGAIN}") from error


def origin(path: Path) -> str:
    """What the scores come from, in words; "" where they are given, and nobody says."""
    with hdf5.reading(path, _AGAIN) as file:
        return str(file.attrs.get("by", ""))


def _row(group: hdf5.Group, timeline: Timeline) -> dict[str, Floats]:
    return {
        video.name: group.numbers(video.name, (len(video.picks_T),)).astype(np.float64)
        for video in timeline.videos
    }

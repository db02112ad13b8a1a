"""Scores of the picked frames that were given: a row a group, a video a dataset in it.

Shapes: T sampled frames.
"""

from collections.abc import Mapping
from pathlib import Path

import h5py
import numpy as np
import numpy.typing as npt

from stages.artifacts.hdf5 import Group, reading
from stages.artifacts.timeline import Timeline
from stages.errors import UserError
from stages.work.files import replacing

Floats = npt.NDArray[np.float64]
Scores = Mapping[str, Mapping[str, Floats]]
"""[row][video], (T,) each."""


def write(path: Path, scores: Scores) -> None:
    """Write every row's scores, whole or not at all."""
    with replacing(path) as temporary, h5py.File(temporary, "w", track_order=True) as file:
        for row, videos in scores.items():
            group = file.create_group(row, track_order=True)
            for video, scores_T in videos.items():
                group[video] = np.asarray(scores_T, dtype=np.float64)


def read(path: Path, timeline: Timeline) -> dict[str, dict[str, Floats]]:
    """Every row's scores of a timeline's videos. Raises UserError where some are missing or of
    another length.
    """
    found: dict[str, dict[str, Floats]] = {}
    with reading(path, "run the given stage (`dvc repro`)") as file:
        for row in file:
            group = Group(path, file[row])
            if missing := [name for name in timeline.names if name not in group]:
                raise UserError(
                    f"{path}: {row} lacks {', '.join(missing)}; give scores of them too"
                )
            found[row] = {
                video.name: group.numbers(video.name, (len(video.picks_T),)).astype(np.float64)
                for video in timeline.videos
            }
    return found

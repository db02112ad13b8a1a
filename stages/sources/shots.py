"""Shots of a dataset's videos where others publish them.

Shapes: S shots.

Two files are read: `shot_TVSum.mat`, whose `shot_boundaries` are cut points 0 to n_frames, and any
h5 of the field's schema with `change_points`.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import scipy.io
from scipy.io.matlab import MatReadError

from stages.artifacts import field as annotations
from stages.errors import UserError

Integers = npt.NDArray[np.int64]


def read(path: Path, n_frames: Sequence[int]) -> list[Integers]:
    """Shots (S, 2) of every video in the field's order (`video_1`, …): inclusive [start, end].

    Args:
        path: `shot_TVSum.mat`, or an h5 of the field's schema.
        n_frames: of each video, in the same order.

    Raises:
        UserError: neither of the two, without shots, or of other videos.
    """
    found = _of_mat(path) if path.suffix == ".mat" else _of_h5(path)
    if len(found) != len(n_frames):
        raise UserError(f"{path}: shots of {len(found)} videos, for {len(n_frames)} annotated ones")
    for number, (shots_S2, frames) in enumerate(zip(found, n_frames, strict=True), 1):
        if not len(shots_S2) or shots_S2[0, 0] != 0 or shots_S2[-1, 1] != frames - 1:
            ends = f"{shots_S2[0, 0]} to {shots_S2[-1, 1]}" if len(shots_S2) else "none"
            raise UserError(
                f"{path}: the shots of video_{number} should go from 0 to {frames - 1}, the last "
                f"annotated frame; found {ends}. Is it another dataset's?"
            )
    return found


def _of_mat(path: Path) -> list[Integers]:
    try:
        cells = scipy.io.loadmat(path)["shot_boundaries"].ravel()
        bounds = [np.asarray(cell).ravel().astype(np.int64) for cell in cells]
    except (OSError, ValueError, TypeError, KeyError, NotImplementedError, MatReadError) as error:
        raise UserError(
            f"{path} is not TVSum's shot_TVSum.mat (a .mat with shot_boundaries): {error}"
        ) from error
    return [np.column_stack([each[:-1], each[1:] - 1]) for each in bounds]


def _of_h5(path: Path) -> list[Integers]:
    found = []
    for video in annotations.read(path).videos:
        if video.change_points_S2 is None:
            raise UserError(f"{path}: {video.name} has no change_points, so it brings no shots")
        found.append(video.change_points_S2)
    return found

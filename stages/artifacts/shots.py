"""Shots of a video: rows of inclusive [start, end] frames.

Shapes: S shots.
"""

import numpy as np
import numpy.typing as npt

from stages.errors import UserError

Integers = npt.NDArray[np.int64]


def lengths_of(shots_S2: Integers) -> Integers:
    """Frames in each shot (S,), from inclusive [start, end] rows (S, 2)."""
    return shots_S2[:, 1] - shots_S2[:, 0] + 1


def covering(video: str, shots: npt.ArrayLike, n_frames: int) -> Integers:
    """Shots (S, 2) checked to run from the first frame to the last, one after the other.

    Raises UserError naming the video, and where they fail to.
    """
    shots_S2 = np.asarray(shots)
    if shots_S2.ndim != 2 or shots_S2.shape[1] != 2 or not len(shots_S2):
        raise UserError(f"{video}: shots must be rows of [start, end], got {shots_S2.shape}")
    if (shots_S2 != shots_S2.astype(np.int64)).any():
        raise UserError(f"{video}: shots must lie on whole frames; one has a fraction")
    shots_S2 = shots_S2.astype(np.int64)
    expected_S = np.r_[0, shots_S2[:-1, 1] + 1]
    wrong = np.flatnonzero((shots_S2[:, 0] != expected_S) | (shots_S2[:, 1] < shots_S2[:, 0]))
    if len(wrong):
        shot = int(wrong[0])
        raise UserError(
            f"{video}: shots must follow one another from frame 0; shot {shot + 1} is "
            f"{shots_S2[shot].tolist()} where {int(expected_S[shot])} should begin it"
        )
    if shots_S2[-1, 1] != n_frames - 1:
        raise UserError(
            f"{video}: its shots end at frame {shots_S2[-1, 1]}, the video at {n_frames - 1}; they "
            "are another video's"
        )
    return shots_S2

"""Shots of a video that nobody has cut: kernel temporal segmentation of its image features.

Shapes: T sampled frames, D image feature width, S shots.
"""

import math

import numpy as np
import numpy.typing as npt

from stages.media.settings import FieldSegmentation, Segmentation
from stages.summaries import kts

Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]

FRAMES_A_SHOT = 150
"""The field's: all 25 videos of SumMe and all 50 of TVSum have ceil(n_frames / 150) shots."""


def field_shots(n_frames: int) -> int:
    """How many shots the field cuts a video into."""
    return math.ceil(n_frames / FRAMES_A_SHOT)


def of_unit_length(features_TD: Floats) -> Floats:
    """Features at the length that a penalty is in the unit of; zeros stay zeros."""
    norms_T1 = np.linalg.norm(features_TD, axis=1, keepdims=True)
    unit_TD: Floats = features_TD / np.maximum(norms_T1, np.finfo(np.float32).tiny)
    return unit_TD


def segment(
    features_TD: Floats, picks_T: Integers, n_frames: int, settings: Segmentation
) -> Integers:
    """Shots (S, 2) by kernel temporal segmentation, as inclusive [start, end] video frames.

    By the field's rule there are ceil(n_frames / 150) of them, but no more than sampled frames.
    Features are brought to unit length first, the unit that the penalty is in. A cut between two
    sampled frames is placed half way between them; the shots cover every frame from 0 to
    n_frames - 1.
    """
    unit_TD = of_unit_length(features_TD)
    if isinstance(settings, FieldSegmentation):
        shots_S2 = kts.fixed(unit_TD, field_shots(n_frames))
    else:
        shots_S2 = kts.change_points(unit_TD, settings.max_shots, settings.penalty)
    last_S = shots_S2[:-1, 1]
    cuts_S = (picks_T[last_S] + picks_T[last_S + 1]) // 2
    return np.column_stack([np.r_[0, cuts_S + 1], np.r_[cuts_S, n_frames - 1]]).astype(np.int64)

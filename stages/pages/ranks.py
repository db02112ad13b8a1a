"""Scores compared by their order within a video, which is all that τ and ρ see.

Shapes: T sampled frames.
"""

import numpy as np
import numpy.typing as npt
from scipy import stats

Floats = npt.NDArray[np.float64]


def ranks(scores: npt.ArrayLike) -> Floats:
    """Each frame's place among its video's (T,), 0 the lowest and 1 the highest, ties halved; the
    middle where it is alone.

    That is the share of the others below it: rows with scales of their own become comparable.
    """
    scores_T = np.asarray(scores, dtype=np.float64)
    if len(scores_T) == 1:
        return np.array([0.5])
    place_T: Floats = (stats.rankdata(scores_T) - 1) / (len(scores_T) - 1)
    return place_T

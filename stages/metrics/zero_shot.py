"""The frozen LLM's own scores, without any training: the zero-shot row.

Shapes: T sampled frames.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt


class ZeroShot(NamedTuple):
    """Scores (T,) without gaps, and how many replies could not be parsed."""

    scores: npt.NDArray[np.float64]
    unparsed: int


def without_gaps(scores: npt.ArrayLike, middle: float) -> ZeroShot:
    """Scores (T,), NaN where the reply was no score, with each gap put at the video's median.

    The median ranks a frame of unknown worth in the middle of its own video, wherever on the
    scale the LLM places that video. A video without a single score gets `middle`, the scale's,
    throughout, which ranks nothing.
    """
    scores_T = np.array(scores, dtype=np.float64)
    gaps_T = np.isnan(scores_T)
    known = scores_T[~gaps_T]
    scores_T[gaps_T] = np.median(known) if len(known) else middle
    return ZeroShot(scores_T, int(gaps_T.sum()))

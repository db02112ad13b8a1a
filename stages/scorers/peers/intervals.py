"""Intervals of frames with a score each: which overlap, which stay, and what they give frames.

Shapes: I intervals, each of a left edge and the frame after its last, T frames.

Source: DSNet's evaluation (Zhu et al., *DSNet: A Flexible Detect-to-Summarize Network for Video
Summarization*, IEEE TIP 2021, section III).
"""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]
Numbers = npt.NDArray[np.floating | np.integer]


def runs(chosen_T: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Unbroken stretches of what is chosen, (I, 2), in order."""
    padded = np.concatenate([[False], chosen_T, [False]]).astype(np.int8)
    edges = np.flatnonzero(np.diff(padded))
    return edges.reshape(-1, 2).astype(np.int64)


def overlaps(intervals: Numbers, one: Numbers) -> Floats:
    """Intersection over union of each interval (…, 2) with one of the same kind, (…).

    0 where they do not meet.
    """
    left, right = intervals[..., 0], intervals[..., 1]
    shared = np.maximum(np.minimum(right, one[1]) - np.maximum(left, one[0]), 0)
    whole = np.maximum(right, one[1]) - np.minimum(left, one[0])
    found: Floats = shared / np.where(whole > 0, whole, 1e-6)
    return found


def within(intervals: Floats, frames: int) -> npt.NDArray[np.int64]:
    """Intervals (I, 2) cut at the video's ends and rounded to whole frames, a half to even."""
    return np.clip(intervals, 0, frames).round().astype(np.int64)


def kept(scores_I: Floats, intervals_I2: npt.NDArray[np.int64], overlap: float) -> list[int]:
    """Which intervals stay, the best first: none that overlaps a better one by `overlap` or more.

    Empty intervals go. Equal scores, which anchors longer than the video have, come in the order
    that its authors' code finds them in.
    """
    held = np.flatnonzero(intervals_I2[:, 0] < intervals_I2[:, 1])
    order = held[scores_I[held].argsort()[::-1]]
    stay = []
    while len(order):
        best = int(order[0])
        stay.append(best)
        order = order[overlaps(intervals_I2[order], intervals_I2[best]) < overlap]
    return stay


def painted(scores_I: Floats, intervals_I2: Floats, frames: int, overlap: float) -> Floats:
    """Each frame's score (T,): the best of the intervals that stay and show it, or 0.

    Args:
        scores_I, intervals_I2: what is proposed, edges anywhere.
        frames: T.
        overlap: as in `kept`.
    """
    whole_I2 = within(intervals_I2, frames)
    scores_T = np.zeros(frames, dtype=np.float32)
    for best in kept(scores_I, whole_I2, overlap):
        left, right = whole_I2[best]
        scores_T[left:right] = np.maximum(scores_T[left:right], scores_I[best])
    return scores_T

"""Which videos moved between two sides, and on which frames they disagree.

Shapes: R training seeds, T sampled frames.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from stages.pages.ranks import ranks

Floats = npt.NDArray[np.float64]


class Movement(NamedTuple):
    """How far a video's τ moved, the mean over seeds; low and high are the least and the most
    that a seed of the one differs from the same of the other, None where there is one seed or
    they are not the same.
    """

    video: str
    difference: float
    low: float | None
    high: float | None


def movements(
    one: Mapping[str, Floats], other: Mapping[str, Floats], paired: bool
) -> list[Movement]:
    """`other` less `one` for each video's τ by seed (R,), the greatest gain first.

    paired: whether both have the same seeds, in the same order.
    """
    found = []
    for video, tau_R in one.items():
        theirs_R = other[video]
        low = high = None
        if paired and len(tau_R) > 1:
            moved_R = theirs_R - tau_R
            low, high = float(moved_R.min()), float(moved_R.max())
        found.append(Movement(video, float(theirs_R.mean() - tau_R.mean()), low, high))
    return sorted(found, key=lambda movement: (-movement.difference, movement.video))


def farthest(moved: Sequence[Movement], each_way: int) -> list[Movement]:
    """The videos that gained most, then those that lost most, the greatest loss first."""
    gained = [movement for movement in moved if movement.difference > 0][:each_way]
    lost = [movement for movement in reversed(moved) if movement.difference < 0][:each_way]
    return [*gained, *lost]


def disagreements(
    one: npt.ArrayLike, other: npt.ArrayLike, most: int = 3, apart: int = 3
) -> list[int]:
    """Frames whose place among their video's differs most between scores (T,), in order of time.

    No two nearer than `apart` frames, so that one moment is not shown thrice; only frames that
    differ at all.
    """
    gap_T = np.abs(ranks(other) - ranks(one))
    chosen: list[int] = []
    for frame in np.argsort(-gap_T, kind="stable").tolist():
        if len(chosen) == most or gap_T[frame] == 0:
            break
        if all(abs(frame - taken) >= apart for taken in chosen):
            chosen.append(frame)
    return sorted(chosen)

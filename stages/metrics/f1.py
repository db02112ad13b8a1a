"""F1 of a summary against people's summaries, frame by frame.

Shapes: N video frames, U users.

The field takes the mean over users on TVSum and the maximum on SumMe.
"""

from typing import Literal

import numpy as np
import numpy.typing as npt

from stages.errors import UserError

Over = Literal["mean", "max"]


def f1_per_user(summary: npt.ArrayLike, user_summary: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """F1 (U,), in 0..1, of a summary (N,) against each of user_summary (U, N), true where > 0.

    2 · |both| / (|one| + |other|), the harmonic mean of precision and recall; 0 where nothing is
    shared, two empty summaries included. Raises UserError for unequal lengths.
    """
    shown_N = np.asarray(summary) > 0
    shown_UN = np.atleast_2d(np.asarray(user_summary)) > 0
    if shown_N.ndim != 1 or shown_UN.shape[1:] != shown_N.shape:
        raise UserError(
            f"a summary of shape {shown_N.shape} cannot be compared with people's, {shown_UN.shape}"
        )
    shared_U = (shown_UN & shown_N).sum(axis=1)
    total_U = shown_UN.sum(axis=1) + shown_N.sum()
    return np.asarray(2 * shared_U / np.maximum(total_U, 1))


def f1(summary: npt.ArrayLike, user_summary: npt.ArrayLike, over: Over = "mean") -> float:
    """`f1_per_user`, averaged over users or the best of them."""
    f1_U = f1_per_user(summary, user_summary)
    return float(f1_U.mean() if over == "mean" else f1_U.max())


def human_f1(user_summary: npt.ArrayLike, over: Over = "mean") -> float:
    """Each user's summary of (U, N) against all the others', averaged over users.

    Raises UserError for fewer than two users.
    """
    summary_UN = np.atleast_2d(np.asarray(user_summary))
    if len(summary_UN) < 2:
        raise UserError("agreement between people takes at least two annotators of a video")
    each = [
        f1(summary_N, np.delete(summary_UN, user, axis=0), over)
        for user, summary_N in enumerate(summary_UN)
    ]
    return float(np.mean(each))

"""From scores of sampled frames to a binary summary: the field's keyshot construction.

Shapes: T sampled frames, N video frames, S shots.

Source: the evaluation shared by Zhang et al. 2016 (vsLSTM), PGL-SUM and the LLMVS release.
"""

import math

import numpy as np
import numpy.typing as npt

from stages.errors import UserError
from stages.summaries.knapsack import knapsack

Floats = npt.NDArray[np.float64]


def upsample(scores: npt.ArrayLike, picks: npt.ArrayLike, n_frames: int) -> Floats:
    """Scores (T,) at the frame indices picks (T,) to one score a video frame, (N,).

    A score holds from its pick to the next and the last one to the end; frames before the first
    pick score 0, as the field has it. Raises UserError where picks do not rise inside the video
    or a score is not a finite number.
    """
    scores_T = np.asarray(scores, dtype=np.float64)
    picks_T = np.asarray(picks)
    if scores_T.ndim != 1 or scores_T.shape != picks_T.shape:
        raise UserError(f"scores {scores_T.shape} and picks {picks_T.shape} differ in length")
    if not np.isfinite(scores_T).all():
        raise UserError("a score is not a finite number, so no summary can be made of it")
    if len(picks_T) == 0:
        return np.zeros(n_frames)
    if picks_T[0] < 0 or picks_T[-1] >= n_frames or (np.diff(picks_T) <= 0).any():
        raise UserError(
            f"picks must rise from one frame to the next inside 0 to {n_frames - 1}, got "
            f"{picks_T[0]} to {picks_T[-1]}"
        )
    lengths_T = np.diff(picks_T, append=n_frames)
    return np.concatenate([np.zeros(int(picks_T[0])), np.repeat(scores_T, lengths_T)])


def shot_means(scores: npt.ArrayLike, change_points: npt.ArrayLike, beyond: int = 0) -> Floats:
    """The mean (S,) of frame scores (N,) over each shot (S, 2) of inclusive [start, end], and so
    many frames after it.
    """
    scores_N = np.asarray(scores, dtype=np.float64)
    shots_S2 = _shots(change_points, len(scores_N))
    if len(scores_N) and np.ptp(scores_N) == 0:
        # Whatever the one score is: the mean of many 0.7 is not 0.7 to the last bit.
        return np.full(len(shots_S2), scores_N[0])
    # A slice at a time, not differences of a cumulative sum: equal shots must tie exactly.
    return np.array([scores_N[start : end + 1 + beyond].mean() for start, end in shots_S2.tolist()])


def capacity(n_frames: int, budget: float) -> int:
    """Frames that a summary of a video of `n_frames` may show."""
    return math.floor(budget * n_frames)


def summarise(
    scores: npt.ArrayLike, change_points: npt.ArrayLike, budget: float = 0.15, beyond: int = 0
) -> npt.NDArray[np.bool_]:
    """Frame scores (N,) and shots (S, 2) to the summary (N,): true on the frames it shows.

    Whole shots are taken, a shot being worth its mean score (`shot_means`) and costing its frames,
    so that they fill at most floor(budget · N) frames (`stages.summaries.knapsack` for ties).
    Raises UserError for shots outside the video or out of order.
    """
    scores_N = np.asarray(scores, dtype=np.float64)
    shots_S2 = _shots(change_points, len(scores_N))
    summary_N = np.zeros(len(scores_N), dtype=bool)
    lengths_S = shots_S2[:, 1] - shots_S2[:, 0] + 1
    room = capacity(len(scores_N), budget)
    for shot in knapsack(shot_means(scores_N, shots_S2, beyond), lengths_S, room):
        start, end = shots_S2[shot]
        summary_N[start : end + 1] = True
    return summary_N


def keyshots(
    scores: npt.ArrayLike,
    picks: npt.ArrayLike,
    n_frames: int,
    change_points: npt.ArrayLike,
    budget: float = 0.15,
    beyond: int = 0,
) -> npt.NDArray[np.bool_]:
    """Scores (T,) of the sampled frames picks (T,) to the summary (N,): `upsample`, `summarise`."""
    return summarise(upsample(scores, picks, n_frames), change_points, budget, beyond)


def _shots(change_points: npt.ArrayLike, n_frames: int) -> npt.NDArray[np.int64]:
    shots_S2 = np.asarray(change_points, dtype=np.int64)
    if shots_S2.ndim != 2 or shots_S2.shape[1] != 2:
        raise UserError(f"change_points must be (shots, 2), got the shape {shots_S2.shape}")
    bounds = shots_S2.ravel()
    if len(bounds) and (
        bounds[0] < 0
        or bounds[-1] >= n_frames
        or (shots_S2[:, 0] > shots_S2[:, 1]).any()
        or (shots_S2[1:, 0] <= shots_S2[:-1, 1]).any()
    ):
        raise UserError(
            f"change_points must be inclusive [start, end] shots in order, without overlap, inside "
            f"a video of {n_frames} frames; got {bounds[0]} to {bounds[-1]}"
        )
    return shots_S2

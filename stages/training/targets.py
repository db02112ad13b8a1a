"""What kinds learn from beside people's scores: the summary that these scores make.

Shapes: T sampled frames, N video frames, S shots.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from stages.artifacts.video import Video
from stages.summaries.keyshots import capacity, shot_means, upsample
from stages.summaries.knapsack import knapsack

_STEPS = 1000
"""A shot is worth its mean score in whole thousandths, rounded down, as in DSNet's code."""


def keyshots(
    gtscore_T: npt.NDArray[np.floating[Any]], video: Video, budget: float
) -> npt.NDArray[np.bool_]:
    """Whether each sampled frame is in the summary that people's scores make, (T,) of bool.

    As DSNet's authors make it: scores stretched to 0..1, the mean of each shot, the shots worth
    most that fill at most `budget` of the video. Scores that are all the same make none. Raises
    UserError where the video's shots are not known.
    """
    scores_T = gtscore_T.astype(np.float64)
    spread = np.ptp(scores_T)
    if not spread:
        return np.zeros(len(scores_T), dtype=bool)
    shots_S2 = video.known_shots()
    scores_N = upsample((scores_T - scores_T.min()) / spread, video.picks_T, video.n_frames)
    worth_S = np.floor(_STEPS * shot_means(scores_N, shots_S2))
    lengths_S = shots_S2[:, 1] - shots_S2[:, 0] + 1
    shown_N = np.zeros(video.n_frames, dtype=bool)
    for shot in knapsack(worth_S, lengths_S, capacity(video.n_frames, budget)):
        start, end = shots_S2[shot]
        shown_N[start : end + 1] = True
    return shown_N[video.picks_T]

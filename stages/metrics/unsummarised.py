"""Videos of which no shot fits the budget: the field's knapsack leaves their summary empty.

What is compared with people is then constant, and by the field's rule earns 0.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from stages.artifacts.results import Unsummarised
from stages.artifacts.shots import lengths_of
from stages.metrics.printed import few
from stages.summaries.keyshots import capacity

ZERO = {
    "summary": "every figure of a prediction is 0 there, that of people's mean included",
    "scores": "F1 is 0 there; τ and ρ are of scores and not touched",
}
"""By what agreement is with (`panel.Rules.agreement`)."""


def of_video(
    video: str, shots_S2: npt.NDArray[np.int64], n_frames: int, budget: float
) -> Unsummarised | None:
    """The video, where its shortest shot is longer than its budget; else None."""
    shortest = int(lengths_of(shots_S2).min())
    if shortest <= capacity(n_frames, budget):
        return None
    return Unsummarised(video=video, shortest=shortest, frames=n_frames)


def sentence(
    videos: Sequence[Unsummarised], budget: float, agreement: Literal["scores", "summary"]
) -> str:
    """What is so of these videos, in a sentence."""
    each = [
        f"{one.video} (the shortest shot has {one.shortest} of {one.frames} frames)"
        for one in videos
    ]
    summaries = "the summary is" if len(videos) == 1 else "their summaries are"
    return (
        f"No shot fits the budget of {100 * budget:g} % in {few(each)}: {summaries} empty, and by "
        f"the field's rule {ZERO[agreement]}."
    )

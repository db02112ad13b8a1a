"""A video's story as the pages hold it, made by hand."""

from collections.abc import Sequence

import numpy as np

from stages.artifacts.video import Video
from stages.pages.report.legend import Legend
from stages.pages.stories import PEOPLE, ZERO_SHOT, Story

LEGEND = Legend({"m": "M"}, "human", "own")


def story(
    people: Sequence[float] | np.ndarray,
    model: Sequence[float] | np.ndarray | None,
    *,
    shots: Sequence[int] = (0,),
    users: Sequence[Sequence[float]] | None = None,
    zero_shot: Sequence[float] | None = None,
    name: str = "video_1",
) -> Story:
    """People's mean and the scores of a model "m"; shots by their first sampled frame."""
    count = len(people)
    starts = 15 * np.array(shots)
    scores = {PEOPLE: np.asarray(people, dtype=np.float64)}
    if model is not None:
        scores["m"] = np.asarray(model, dtype=np.float64)
    if zero_shot is not None:
        scores[ZERO_SHOT] = np.asarray(zero_shot, dtype=np.float64)
    judged = [people] if users is None else users
    shots_S2 = np.column_stack([starts, np.append(starts[1:], 15 * count) - 1])
    return Story(
        video=Video.sampled(name, name, 15 * count, 30.0).with_shots(shots_S2, "annotations"),
        captions=None,
        replies=None,
        people_UT=None,
        judged_UT=np.asarray(judged, dtype=np.float64),
        scores=scores,
        summaries={},
        shown_N=np.zeros(15 * count),
        thumbnails=None,
    )

"""A video as the report holds it, made by hand."""

from collections.abc import Sequence

import numpy as np

from stages.reporting.thumbnails import Thumbnails
from stages.reporting.videos import PEOPLE, Video


def story(
    people: Sequence[float] | np.ndarray,
    model: Sequence[float] | np.ndarray | None,
    *,
    shots: Sequence[int] = (0,),
    users: Sequence[Sequence[float]] | None = None,
    zero_shot: Sequence[float] | None = None,
    name: str = "video_1",
) -> Video:
    """People's mean and the scores of a model "m"; shots by their first sampled frame."""
    count = len(people)
    starts = 15 * np.array(shots)
    scores = {PEOPLE: np.asarray(people, dtype=np.float64)}
    if model is not None:
        scores["m"] = np.asarray(model, dtype=np.float64)
    if zero_shot is not None:
        scores["zero-shot"] = np.asarray(zero_shot, dtype=np.float64)
    judged = [people] if users is None else users
    return Video(
        name=name,
        video_name=name,
        fps=30.0,
        n_frames=15 * count,
        picks_T=15 * np.arange(count),
        shots_S2=np.column_stack([starts, np.append(starts[1:], 15 * count) - 1]),
        shots_from="annotations",
        captions=("",) * count,
        replies=("",) * count,
        users=len(judged),
        people_UT=None,
        judged_UT=np.asarray(judged, dtype=np.float64),
        scores=scores,
        summaries={},
        shown_N=np.zeros(15 * count),
        thumbnails=Thumbnails(np.arange(0), (), (1, 1)),
    )

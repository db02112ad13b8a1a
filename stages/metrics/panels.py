"""Every video's panel, put together from its timeline and what people said of it.

Shapes: N video frames, S shots, U users.
"""

import numpy as np
import numpy.typing as npt

from stages.artifacts.people import Judgement, People
from stages.artifacts.timeline import Timeline
from stages.metrics.panel import Panel, Rules
from stages.summaries.keyshots import summarise


def panels(timeline: Timeline, people: People, rules: Rules) -> dict[str, Panel]:
    """A panel for each video that people judged, in the timeline's order.

    Where people gave scores but no summaries, each user's summary is built from that user's
    scores over the same shots and budget as a prediction's. Raises UserError where a video's
    shots are not known, or people's word does not fit the rules.
    """
    made = {}
    for video in timeline.videos:
        if video.name not in people.by_name:
            continue
        judged, shots_S2 = people.by_name[video.name], video.known_shots()
        made[video.name] = Panel(
            name=video.name,
            rules=rules,
            n_frames=video.n_frames,
            picks=video.picks_T,
            change_points=shots_S2,
            user_summary=_user_summary(judged, shots_S2, rules.budget),
            user_scores=judged.user_scores_UN,
        )
    return made


def _user_summary(
    judged: Judgement, shots_S2: npt.NDArray[np.int64], budget: float
) -> npt.NDArray[np.float32]:
    if judged.user_summary_UN is not None:
        return judged.user_summary_UN
    assert judged.user_scores_UN is not None  # people give at least one of the two
    summaries = [summarise(scores_N, shots_S2, budget) for scores_N in judged.user_scores_UN]
    return np.array(summaries, dtype=np.float32)

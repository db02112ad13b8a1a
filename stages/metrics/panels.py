"""Every video's panel, put together from its timeline and what people said of it.

Shapes: N video frames, S shots, U users.
"""

import numpy as np
import numpy.typing as npt

from stages.artifacts.people import Judgement, People
from stages.artifacts.timeline import Timeline
from stages.metrics.panel import Panel, Rules
from stages.summaries.keyshots import summarise
from stages.work.on_demand import OnDemand

_RANK = 24
"""Bytes of a number's own, its level's and its direction's (`metrics.rank.Rankings`)."""
_OBJECTS = 2000
"""Bytes of a panel beside its numbers, about."""


class Panels(OnDemand[Panel]):
    """A panel for each video that people judged, in the timeline's order.

    A panel is put together when it is asked for, and kept where there is room for all: of
    however many videos few are in memory. Where people gave scores but no summaries, each user's
    summary is built from that user's scores as a prediction's is.

    Raises UserError where a video's shots are not known and, when that video is asked for, where
    people's word does not fit the rules.
    """

    def __init__(self, timeline: Timeline, people: People, rules: Rules) -> None:
        super().__init__(name for name in timeline.names if name in people.by_name)
        for name in self:
            timeline.by_name[name].known_shots()
        self._timeline, self._people, self._rules = timeline, people, rules

    def make(self, name: str) -> Panel:
        video, judged = self._timeline.by_name[name], self._people.by_name[name]
        shots_S2 = video.known_shots()
        return Panel(
            name=name,
            rules=self._rules,
            n_frames=video.n_frames,
            picks=video.picks_T,
            change_points=shots_S2,
            user_summary=_user_summary(judged, shots_S2, self._rules),
            user_scores=judged.user_scores_UN,
        )

    def size(self, value: Panel) -> int:
        """With the ranks of what scores are compared with, which stay once it has judged."""
        ranked = value.n_frames
        if value.user_scores is not None:
            ranked = len(value.user_scores) * len(value.picks)
        given = (value.user_summary, value.user_scores)
        kept: int = sum(array.nbytes for array in given if array is not None)
        return _OBJECTS + kept + _RANK * ranked


def _user_summary(
    judged: Judgement, shots_S2: npt.NDArray[np.int64], rules: Rules
) -> npt.NDArray[np.bool_]:
    if judged.user_summary_UN is not None:
        return judged.user_summary_UN
    assert judged.user_scores_UN is not None  # people give at least one of the two
    as_predictions = shots_S2, rules.budget, rules.beyond
    summaries = [summarise(scores_N, *as_predictions) for scores_N in judged.user_scores_UN]
    return np.array(summaries, dtype=np.bool_)

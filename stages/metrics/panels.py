"""Panels out of a timeline and what people said of its videos.

Shapes: N video frames, U users.
"""

import numpy as np

from stages.artifacts.people import People
from stages.artifacts.timeline import Timeline
from stages.metrics.panel import Panel, Rules
from stages.summaries.keyshots import summarise


def panels(timeline: Timeline, people: People, rules: Rules) -> dict[str, Panel]:
    """Every video's panel. Where people gave scores but no summaries, each user's summary is built
    from that user's scores over the same shots and budget as a prediction's.
    """
    made = {}
    for video in timeline.videos:
        judged, shots_S2 = people.by_name[video.name], video.known_shots()
        summary_UN, scores_UN = judged.user_summary_UN, judged.user_scores_UN
        if summary_UN is None and scores_UN is not None:
            built = [summarise(scores_N, shots_S2, rules.budget) for scores_N in scores_UN]
            summary_UN = np.array(built, dtype=np.float32)
        assert summary_UN is not None  # people gave at least one of the two
        made[video.name] = Panel(
            video.name,
            rules,
            n_frames=video.n_frames,
            picks=video.picks_T,
            change_points=shots_S2,
            user_summary=summary_UN,
            user_scores=scores_UN,
        )
    return made

"""A dataset of ours in the form that other systems read."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from stages.artifacts import field, people, timeline
from stages.artifacts.places import Places
from stages.metrics.panel import BUDGET
from stages.summaries.keyshots import summarise


def field_h5(folder: Path, out: Path) -> None:
    """Write what a dataset's folder holds of timeline and people in the field's schema.

    Where people gave scores and no summaries, each user's summary is made of them, within the
    field's budget, as the field's own file has it: other systems read nothing else. Raises
    UserError where the dataset was not made yet or has no shots.
    """
    places = Places(folder)
    videos = timeline.read(places.timeline)
    judged = people.read(places.people, videos)
    complete = []
    for video in judged.videos:
        if video.user_summary_UN is None and video.user_scores_UN is not None:
            shots_S2 = videos.by_name[video.name].known_shots()
            made = [summarise(scores_N, shots_S2, BUDGET) for scores_N in video.user_scores_UN]
            video = replace(video, user_summary_UN=np.array(made, dtype=np.bool_))
        complete.append(video)
    field.write(out, field.Annotated(videos, replace(judged, videos=tuple(complete))))

"""Where a model erred most: moments it ranks far from where people do.

Shapes: T sampled frames.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from stages.pages.ranks import ranks
from stages.pages.stories import PEOPLE, Story


@dataclass(frozen=True)
class Moment:
    """A frame of a video. people, model: where each ranks it, from 0, its lowest frame, to 1, its
    highest, frames of one score in the middle of their places; the gap is the model's less
    people's, between -1 and 1.
    """

    video: str
    frame: int
    people: float
    model: float

    @property
    def gap(self) -> float:
        return self.model - self.people


def of_video(story: Story, model: str, most: int) -> list[Moment]:
    """A video's worst moments, at most one a shot, the worst first. None where it was not scored.

    Scores are compared by their rank within the video, as the measure does: a model that is
    right about the order errs nowhere.
    """
    if model not in story.scores:
        return []
    people_T, model_T = ranks(story.scores[PEOPLE]), ranks(story.scores[model])
    apart_T = np.abs(model_T - people_T)
    shot_T = np.searchsorted(story.shots[:, 0], story.video.picks_T, side="right")
    worst = [
        int(frames[np.argmax(apart_T[frames])])
        for shot in np.unique(shot_T)
        for frames in [np.flatnonzero(shot_T == shot)]
    ]
    worst.sort(key=lambda frame: (-apart_T[frame], frame))
    return [
        Moment(story.name, frame, float(people_T[frame]), float(model_T[frame]))
        for frame in worst[:most]
    ]


def of_all(stories: Iterable[Story], model: str, most: int, each: int = 2) -> list[Moment]:
    """The worst moments over all videos, at most `each` of one video, the worst first."""
    found = [moment for story in stories for moment in of_video(story, model, each)]
    found.sort(key=lambda moment: -abs(moment.gap))
    return found[:most]

"""What is learnt: which frames, in which order, and the number that is to be said of each.

Shapes: T sampled frames of a video.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from stages.captioners.captioner import Frame
from stages.finetuning.settings import Finetune

Floats = npt.NDArray[np.floating]


@dataclass(frozen=True)
class Lesson:
    """A frame, and the number to be said of it."""

    frame: Frame
    number: int


Pass = tuple[Lesson, ...]
Step = tuple[Pass, ...]
"""Passes whose gradients are added up before the weights move."""


def numbers(
    gtscore_T: Floats, scale: tuple[int, int], target: Literal["score", "rank"]
) -> list[int]:
    """What is to be said of each frame of a video: whole numbers of the scale.

    Args:
        gtscore_T: people's mean scores, 0 to 1.
        scale: lowest and highest.
        target: see `settings.Finetune`. A score halfway between two numbers is the even one.
    """
    lowest, highest = scale
    if target == "score":
        return [round(lowest + float(score) * (highest - lowest)) for score in gtscore_T]
    below_T = np.searchsorted(np.sort(gtscore_T), gtscore_T, side="left")
    share_T = below_T / len(gtscore_T)
    return [lowest + int(share * (highest - lowest + 1)) for share in share_T]


def steps(
    people: Mapping[str, Floats], scale: tuple[int, int], settings: Finetune, seed: int
) -> list[Step]:
    """Every step of a run, in order.

    An epoch draws `settings.frames` frames of each video without putting any back, and shuffles
    those of all videos.

    Args:
        people: mean scores (T,) of the videos to learn from, by name: what is not in here cannot be
            learnt.
        seed: of the draws.
    """
    said = {name: numbers(of_T, scale, settings.target) for name, of_T in people.items()}
    found: list[Step] = []
    for epoch in range(settings.epochs):
        random = np.random.default_rng([seed, epoch])
        lessons = [
            Lesson(Frame(name, index), of[index])
            for name, of in said.items()
            for index in _drawn(len(of), settings.frames, random)
        ]
        order = [lessons[place] for place in random.permutation(len(lessons))]
        passes = [
            tuple(order[start : start + settings.batch])
            for start in range(0, len(order), settings.batch)
        ]
        found += [
            tuple(passes[start : start + settings.accumulate])
            for start in range(0, len(passes), settings.accumulate)
        ]
    return found


def _drawn(length: int, wanted: int | None, random: np.random.Generator) -> list[int]:
    if wanted is None or wanted >= length:
        return list(range(length))
    chosen: list[int] = np.sort(random.choice(length, wanted, replace=False)).tolist()
    return chosen

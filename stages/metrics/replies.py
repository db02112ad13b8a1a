"""A frozen model's own scores, read from its replies, without any training.

Shapes: T sampled frames, C: 1, or the splits that test a video where what the model was shown
differs by split.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from stages.artifacts import captions as captions_file
from stages.artifacts import embeddings as embeddings_file
from stages.artifacts.predictions import Splits
from stages.artifacts.timeline import Timeline

Floats = npt.NDArray[np.float64]


class Filled(NamedTuple):
    """Scores (T,) without gaps, and how many replies could not be parsed."""

    scores: Floats
    unparsed: int


def without_gaps(scores: npt.ArrayLike, middle: float) -> Filled:
    """Scores (T,), NaN where the reply was no score, with each gap put at the video's median.

    The median ranks a frame of unknown worth in the middle of its own video, wherever on the
    scale the model places that video. A video without a single score gets `middle`, the scale's,
    throughout, which ranks nothing.
    """
    scores_T = np.array(scores, dtype=np.float64)
    gaps_T = np.isnan(scores_T)
    known = scores_T[~gaps_T]
    scores_T[gaps_T] = np.median(known) if len(known) else middle
    return Filled(scores_T, int(gaps_T.sum()))


@dataclass(frozen=True)
class Replies:
    """A model's own scores (C, T) of each video without gaps; how many replies, how many hold no
    score.
    """

    scores: Mapping[str, Floats]
    replies: int
    unparsed: int

    @property
    def say_something(self) -> bool:
        return self.unparsed < self.replies


def of_llm(path: Path, timeline: Timeline, protocol: str, splits: Splits) -> Replies | None:
    """The LLM's own scores of the videos that a protocol's splits test; None where it said
    nothing, as its embeddings were given.

    Raises UserError as `artifacts.embeddings` does.
    """
    given: dict[str, list[Floats]] = {}
    with embeddings_file.reading(path) as file:
        if file.scale is None:
            return None
        middle = sum(file.scale) / 2
        for number, split in enumerate(splits):
            for video in split:
                if video in given and not file.by_split:
                    continue
                embedded = file.video(timeline.by_name[video], protocol, number)
                if embedded.score_T is None:
                    return None
                given.setdefault(video, []).append(np.asarray(embedded.score_T, np.float64))
    return _filled(given, middle)


def of_captioner(path: Path, timeline: Timeline, splits: Splits) -> Replies | None:
    """The scores that the captioner gave when asked directly; None where it was not asked.

    Raises UserError as `artifacts.captions` does.
    """
    said = captions_file.of_timeline(path, timeline)
    if all(frame.reply is None for frames in said.values() for frame in frames):
        return None
    given = {
        video: [np.array([np.nan if frame.score is None else frame.score for frame in said[video]])]
        for split in splits
        for video in split
    }
    return _filled(given, 0.5)


def _filled(given: Mapping[str, Sequence[Floats]], middle: float) -> Replies:
    scores: dict[str, Floats] = {}
    replies = unparsed = 0
    for video, each in given.items():
        filled = [without_gaps(scores_T, middle) for scores_T in each]
        scores[video] = np.stack([of_split.scores for of_split in filled])
        replies += sum(len(scores_T) for scores_T in each)
        unparsed += sum(of_split.unparsed for of_split in filled)
    return Replies(scores, replies, unparsed)

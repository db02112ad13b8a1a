"""Rows of the comparison: what a model, a baseline or people earn over all test videos.

Shapes: R trials (training seeds, or draws of a random row), C appearances of a video among the
splits' test sets, V videos, K splits, T sampled frames; the axis of 3 is (τ, ρ, F1), as in
`panel.Marks`, or without the knapsack (τ, ρ, r), as in `sampled.SampledMarks`; of highlights it is
one of 2, as in `highlights.HighlightMarks`.

A row's figures are averaged as `metrics.averages` says.
"""

import operator
import zlib
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from stages.artifacts.predictions import Splits
from stages.metrics import averages
from stages.metrics.averages import Figure, video_weights
from stages.metrics.highlights import HighlightMarks, Highlights
from stages.metrics.ledger import Column, Ledger
from stages.metrics.panel import Marks, Panel
from stages.metrics.sampled import Choices, SampledMarks

Floats = npt.NDArray[np.float64]
Kind = Literal["model", "baseline", "people"]
MARKS, SAMPLED, HIGHLIGHTS = Marks._fields, SampledMarks._fields, HighlightMarks._fields


@dataclass(frozen=True)
class Scored:
    """One row: the marks (R, C, 3) of each video. What does not depend on the split has C = 1.

    `constant` counts, for each video scored, the predictions that order nothing, by giving every
    frame the same value or, where summaries are compared, no shot any: their τ and ρ are a counted
    0. `unranked` of the `scored` predictions did. Where no shot fits the budget it is not their
    doing, and none is counted. `spread` holds, for each video scored, the standard deviation of its
    scores, the mean over predictions. `sampled` holds the marks (R, C, 3) without the knapsack, of
    no video where scores are compared; `highlights` those (R, C, 2) of highlights, of no video
    where they are not measured.
    """

    title: str
    kind: Kind
    marks: Mapping[str, Floats]
    constant: Mapping[str, int] = field(default_factory=dict)
    spread: Mapping[str, float] = field(default_factory=dict)
    sampled: Mapping[str, Floats] = field(default_factory=dict)
    highlights: Mapping[str, Floats] = field(default_factory=dict)

    @property
    def scored(self) -> int:
        return sum(len(self.marks[video]) * self.marks[video].shape[1] for video in self.constant)

    @property
    def unranked(self) -> int:
        return sum(self.constant.values())

    @property
    def deviation(self) -> float | None:
        """Mean over videos of the standard deviation of the scores within a video; None for what
        is no scorer.
        """
        return float(np.mean(list(self.spread.values()))) if self.spread else None


class VideoMarks(NamedTuple):
    """What a row earns on one video: marks (R, C, 3), and what `Scored` says beside them, each None
    where the row, or the measure, has none.
    """

    marks: Floats
    sampled: Floats | None
    highlights: Floats | None = None
    constant: int | None = None
    spread: float | None = None


@dataclass(frozen=True)
class Judging:
    """A row while it is judged, a video at a time, so that rows can be judged side by side and a
    video's panel need not outlive its turn.
    """

    title: str
    kind: Kind
    judge: Callable[[Panel], VideoMarks]
    found: Ledger = field(default_factory=Ledger)
    """By field of `VideoMarks`, then by video."""

    def add(self, panel: Panel) -> None:
        marks = self.judge(panel)._asdict()
        self.found.add(panel.name, {name: of for name, of in marks.items() if of is not None})

    def row(self, videos: Collection[str]) -> Scored:
        """The row of some of the videos that were added, in this order."""
        return Scored(
            self.title,
            self.kind,
            **{name: _among(of, videos) for name, of in self.found.columns.items()},
        )

    def over(self, panels: Iterable[Panel]) -> Scored:
        """The row of all of them."""
        names = []
        for panel in panels:
            self.add(panel)
            names.append(panel.name)
        return self.row(names)


def _among(found: Column, videos: Collection[str]) -> Mapping[str, Any]:
    """What was found of some videos, in their order; itself where it is that already."""
    if len(found) == len(videos) and all(map(operator.eq, found, videos)):
        return found
    return {video: found[video] for video in videos}


def scored(title: str, kind: Kind, scores_of: Callable[[Panel], Floats]) -> Judging:
    """The row of scores (R, C, T) for each video."""

    def judge(panel: Panel) -> VideoMarks:
        scores_RCT = scores_of(panel)
        verdicts_RC = [
            [panel.verdict(scores_T) for scores_T in scores_CT] for scores_CT in scores_RCT
        ]
        unranked = sum(v.unranked for verdicts_C in verdicts_RC for v in verdicts_C)
        choices, highlights = panel.choices, panel.highlights
        return VideoMarks(
            marks=np.array([[v.marks for v in verdicts_C] for verdicts_C in verdicts_RC]),
            sampled=None
            if choices is None
            else np.array([[choices.marks(scores_T) for scores_T in of] for of in scores_RCT]),
            highlights=None
            if highlights is None
            else np.array([[highlights.marks(scores_T) for scores_T in of] for of in scores_RCT]),
            constant=unranked if panel.rankable else 0,
            spread=float(scores_RCT.std(axis=-1).mean()),
        )

    return Judging(title, kind, judge)


def untrained(title: str, scores: Mapping[str, Floats]) -> Judging:
    """The row of a frozen model's own scores (C, T) of each video, without any training."""
    return scored(title, "baseline", lambda panel: scores[panel.name][None])


def random(draws: int) -> Judging:
    """The row of uniform random scores. A video's draws depend on its name alone, so that adding
    a video leaves the others' as they were.
    """

    def scores_of(panel: Panel) -> Floats:
        generator = np.random.default_rng(zlib.crc32(panel.name.encode()))
        return generator.random((draws, 1, len(panel.picks)))

    return scored(f"Random ({draws} draws)", "baseline", scores_of)


def constant() -> Judging:
    """The row of one score for every frame: the floor of a measure that looks at summaries, where
    a knapsack of equal values still chooses.
    """
    return scored(
        "Constant scores", "baseline", lambda panel: np.full((1, 1, len(panel.picks)), 0.5)
    )


def human() -> Judging:
    """The row of people against each other."""
    return _people("Human (pairs of users)", Panel.human, Choices.human)


def oracle() -> Judging:
    """The row of people's own mean as if it were a prediction: the ceiling of the measure."""
    return _people("Oracle (people's mean)", Panel.oracle, Choices.oracle, Highlights.oracle)


def _people(
    title: str,
    marks_of: Callable[[Panel], Marks],
    sampled_of: Callable[[Choices], SampledMarks],
    highlights_of: Callable[[Highlights], HighlightMarks] | None = None,
) -> Judging:
    def judge(panel: Panel) -> VideoMarks:
        choices, highlights = panel.choices, panel.highlights
        return VideoMarks(
            marks=np.array([[marks_of(panel)]]),
            sampled=None if choices is None else np.array([[sampled_of(choices)]]),
            highlights=None
            if highlights is None or highlights_of is None
            else np.array([[highlights_of(highlights)]]),
        )

    return Judging(title, "people", judge)


def figures(row: Scored, splits: Splits, *, confidence: float, resamples: int) -> dict[str, Figure]:
    """The row's figure for each mark, by name."""
    return averages.figures(row.marks, MARKS, splits, confidence, resamples)


def sampled_figures(
    row: Scored, splits: Splits, *, confidence: float, resamples: int
) -> dict[str, Figure]:
    """The row's figure for each mark without the knapsack; none where scores are compared."""
    if not row.sampled:
        return {}
    return averages.figures(row.sampled, SAMPLED, splits, confidence, resamples)


def highlight_figures(
    row: Scored, splits: Splits, *, confidence: float, resamples: int
) -> dict[str, Figure]:
    """The row's MAP50 and MAP15, by name; none where they are not measured."""
    if not row.highlights:
        return {}
    return averages.figures(row.highlights, HIGHLIGHTS, splits, confidence, resamples)


def by_video(row: Scored, splits: Splits) -> dict[str, Marks]:
    """The row's marks of each tested video, over trials and appearances."""
    marks_RV3, _ = averages.trials(row.marks, splits)
    means_V3 = marks_RV3.mean(axis=0).tolist()
    return {video: Marks(*of) for video, of in zip(video_weights(splits), means_V3, strict=True)}


def by_split(row: Scored, splits: Splits) -> dict[str, Floats]:
    """The row's mean over the videos of each split (K,), over trials, by mark."""
    return averages.by_split(row.marks, MARKS, splits)


def sampled_by_split(row: Scored, splits: Splits) -> dict[str, Floats]:
    """The same without the knapsack; none where scores are compared."""
    return averages.by_split(row.sampled, SAMPLED, splits) if row.sampled else {}


def highlights_by_split(row: Scored, splits: Splits) -> dict[str, Floats]:
    """The same of MAP50 and MAP15; none where they are not measured."""
    return averages.by_split(row.highlights, HIGHLIGHTS, splits) if row.highlights else {}

"""Rows of the comparison: what a model, a baseline or people earn over all test videos.

Shapes: R trials (training seeds, or draws of a random row), C appearances of a video among the
splits' test sets, V videos, K splits, T sampled frames; the axis of 3 is (τ, ρ, F1), as in
`panel.Marks`.

The average is the release's: users, then the videos of a split, then splits, and here seeds last.
Each appearance of a video therefore weighs 1 / (splits · videos of that split).
"""

import zlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from stages.artifacts.predictions import Splits
from stages.metrics.intervals import bootstrap, weighted_mean
from stages.metrics.panel import Marks, Panel

Floats = npt.NDArray[np.float64]
Kind = Literal["model", "baseline", "people"]
MARKS = Marks._fields


@dataclass(frozen=True)
class Scored:
    """One row: the marks (R, C, 3) of each video. What does not depend on the split has C = 1.

    `constant` counts, for each video scored, the predictions that order nothing, by giving every
    frame the same value or, where summaries are compared, no shot any: their τ and ρ are a counted
    0. `unranked` of the `scored` predictions did. Where no shot fits the budget it is not their
    doing, and none is counted. `spread` holds, for each video scored, the standard deviation of its
    scores, the mean over predictions.
    """

    title: str
    kind: Kind
    marks: Mapping[str, Floats]
    constant: Mapping[str, int] = field(default_factory=dict)
    spread: Mapping[str, float] = field(default_factory=dict)

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

    def among(self, videos: Collection[str]) -> "Scored":
        """The row of some of its videos alone."""
        return replace(
            self,
            marks={video: of for video, of in self.marks.items() if video in videos},
            constant={video: of for video, of in self.constant.items() if video in videos},
            spread={video: of for video, of in self.spread.items() if video in videos},
        )


class Figure(NamedTuple):
    """A mean over videos with its interval; spread is the standard deviation over trials, None
    where there is one trial.
    """

    mean: float
    low: float
    high: float
    spread: float | None


def scored_row(
    title: str, kind: Kind, panels: Iterable[Panel], scores_of: Callable[[Panel], Floats]
) -> Scored:
    """The row of scores (R, C, T) for each video."""
    marks: dict[str, Floats] = {}
    constant: dict[str, int] = {}
    spread: dict[str, float] = {}
    for panel in panels:
        scores_RCT = scores_of(panel)
        spread[panel.name] = float(scores_RCT.std(axis=-1).mean())
        verdicts_RC = [
            [panel.verdict(scores_T) for scores_T in scores_CT] for scores_CT in scores_RCT
        ]
        marks[panel.name] = np.array([[v.marks for v in verdicts_C] for verdicts_C in verdicts_RC])
        unranked = sum(v.unranked for verdicts_C in verdicts_RC for v in verdicts_C)
        constant[panel.name] = unranked if panel.rankable else 0
    return Scored(title, kind, marks, constant, spread)


def untrained_row(title: str, scores: Mapping[str, Floats], panels: Iterable[Panel]) -> Scored:
    """The row of a frozen model's own scores (C, T) of each video, without any training."""
    return scored_row(title, "baseline", panels, lambda panel: scores[panel.name][None])


def random_row(draws: int, panels: Iterable[Panel]) -> Scored:
    """The row of uniform random scores. A video's draws depend on its name alone, so that adding
    a video leaves the others' as they were.
    """

    def scores_of(panel: Panel) -> Floats:
        generator = np.random.default_rng(zlib.crc32(panel.name.encode()))
        return generator.random((draws, 1, len(panel.picks)))

    return scored_row(f"Random ({draws} draws)", "baseline", panels, scores_of)


def constant_row(panels: Iterable[Panel]) -> Scored:
    """The row of one score for every frame: the floor of a measure that looks at summaries, where
    a knapsack of equal values still chooses.
    """
    return scored_row(
        "Constant scores",
        "baseline",
        panels,
        lambda panel: np.full((1, 1, len(panel.picks)), 0.5),
    )


def human_row(panels: Iterable[Panel]) -> Scored:
    """The row of people against each other."""
    marks = {panel.name: np.array([[panel.human()]]) for panel in panels}
    return Scored("Human (pairs of users)", "people", marks)


def oracle_row(panels: Iterable[Panel]) -> Scored:
    """The row of people's own mean as if it were a prediction: the ceiling of the measure."""
    marks = {panel.name: np.array([[panel.oracle()]]) for panel in panels}
    return Scored("Oracle (people's mean)", "people", marks)


def video_weights(splits: Splits) -> dict[str, Floats]:
    """For each tested video, the weights (C,) of its appearances; over all videos they sum to 1."""
    weights: dict[str, list[float]] = {}
    for split in splits:
        for video in split:
            weights.setdefault(video, []).append(1 / (len(splits) * len(split)))
    return {video: np.array(each) for video, each in weights.items()}


def _trials(row: Scored, splits: Splits) -> tuple[Floats, Floats]:
    """Marks of each trial and video (R, V, 3), over appearances, and the videos' weights (V,)."""
    weights = video_weights(splits)
    marks_VR3 = []
    for video, weights_C in weights.items():
        marks_RC3 = row.marks[video]
        full_RC3 = np.broadcast_to(marks_RC3, (len(marks_RC3), len(weights_C), len(MARKS)))
        marks_VR3.append(weighted_mean(full_RC3, weights_C[:, None], axis=1))
    return np.stack(marks_VR3, axis=1), np.array([each.sum() for each in weights.values()])


def figures(row: Scored, splits: Splits, *, confidence: float, resamples: int) -> dict[str, Figure]:
    """The row's figure for each mark, by name."""
    marks_RV3, weights_V = _trials(row, splits)
    by_trial_R3 = weighted_mean(marks_RV3, weights_V[:, None], axis=1)
    by_video_V3 = marks_RV3.mean(axis=0)
    found = {}
    for index, name in enumerate(MARKS):
        interval = bootstrap(
            by_video_V3[:, index], weights_V, confidence=confidence, resamples=resamples
        )
        spread = float(by_trial_R3[:, index].std(ddof=1)) if len(by_trial_R3) > 1 else None
        found[name] = Figure(float(by_trial_R3[:, index].mean()), *interval, spread)
    return found


def by_video(row: Scored, splits: Splits) -> dict[str, Marks]:
    """The row's marks of each tested video, over trials and appearances."""
    marks_RV3, _ = _trials(row, splits)
    means_V3 = marks_RV3.mean(axis=0).tolist()
    return {video: Marks(*of) for video, of in zip(video_weights(splits), means_V3, strict=True)}


def by_split(row: Scored, splits: Splits) -> dict[str, Floats]:
    """The row's mean over the videos of each split (K,), over trials, by mark."""
    appeared: Counter[str] = Counter()
    means_K3 = []
    for split in splits:
        marks_V3 = []
        for video in split:
            marks_C3 = row.marks[video].mean(axis=0)
            marks_V3.append(marks_C3[appeared[video] if len(marks_C3) > 1 else 0])
            appeared[video] += 1
        means_K3.append(np.mean(marks_V3, axis=0))
    return dict(zip(MARKS, np.transpose(means_K3), strict=True))

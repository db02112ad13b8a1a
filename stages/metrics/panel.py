"""A video's panel: the people who annotated it, and the marks they give a prediction.

Shapes: T sampled frames, N video frames, S shots, U users.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from stages.artifacts.results import Unsummarised
from stages.errors import UserError
from stages.metrics import f1, unsummarised
from stages.metrics.agreement import Agreement, mean_summary, pairwise_agreement, with_each
from stages.metrics.highlights import Highlights
from stages.metrics.rank import Rankings
from stages.metrics.sampled import Choices, choices
from stages.metrics.settings import Evaluate
from stages.summaries.keyshots import keyshots

Floats = npt.NDArray[np.float64]
BUDGET = 0.15
"""Share of a video that the field lets a summary hold."""


class Marks(NamedTuple):
    """What one prediction for one video earns: τ-b and ρ in -1..1, F1 in 0..1."""

    tau: float
    rho: float
    f1: float


class Verdict(NamedTuple):
    """The marks, and whether what was compared was constant, so that τ and ρ are a counted 0."""

    marks: Marks
    unranked: bool


@dataclass(frozen=True)
class Rules:
    """How a dataset is evaluated by its field (params.yaml: datasets.D.evaluate).

    highlights: frames of a segment, None where highlights are not measured. beyond: frames after a
    shot's end that its worth takes in.
    """

    agreement: Literal["scores", "summary"]
    f1: f1.Over
    budget: float
    highlights: int | None = None
    beyond: int = 0

    @classmethod
    def of(cls, settings: Evaluate) -> Self:
        """As params.yaml says."""
        rules = settings.agreement, settings.f1, settings.budget
        return cls(*rules, settings.highlights, settings.beyond)


@dataclass(frozen=True)
class Panel:
    """A video, its annotators, and the rules; what people's side needs is ranked once.

    user_scores may be missing where people gave no scores (SumMe), which rules out the
    agreement "scores".
    """

    name: str
    rules: Rules
    n_frames: int
    picks: npt.NDArray[np.int64]  # (T,)
    change_points: npt.NDArray[np.int64]  # (S, 2), inclusive
    user_summary: npt.NDArray[np.bool_]  # (U, N)
    user_scores: npt.NDArray[np.float32] | None = None  # (U, N)

    def __post_init__(self) -> None:
        if self.user_summary.shape[1:] != (self.n_frames,):
            raise UserError(
                f"{self.name}: user_summary {self.user_summary.shape} does not cover the "
                f"video's {self.n_frames} frames"
            )
        if self.rules.agreement == "scores" and self.user_scores is None:
            raise UserError(
                f"{self.name}: the annotations hold no user_scores, so agreement with scores "
                "cannot be measured; set evaluate.agreement to summary in params.yaml"
            )

    @cached_property
    def _sampled(self) -> Floats:
        """People's scores at the sampled frames, (U, T)."""
        assert self.user_scores is not None  # checked on construction
        return self.user_scores[:, self.picks].astype(np.float64)

    @cached_property
    def _references(self) -> Rankings:
        if self.rules.agreement == "scores":
            return Rankings.of(self._sampled)
        return Rankings.of(mean_summary(self.user_summary))

    @cached_property
    def choices(self) -> Choices | None:
        """What people chose of the sampled frames; None where scores are compared, and so no
        knapsack stands between them and people.
        """
        if self.rules.agreement == "scores":
            return None
        return choices(self.user_summary, self.picks)

    @cached_property
    def highlights(self) -> Highlights | None:
        """People's mean score and its highlights; None where they are not measured."""
        if self.rules.highlights is None:
            return None
        return Highlights(self.name, self._sampled.mean(axis=0), self.rules.highlights)

    @cached_property
    def unsummarised(self) -> Unsummarised | None:
        """The video, where none of its shots fits the budget; None where one does."""
        return unsummarised.of_video(
            self.name, self.change_points, self.n_frames, self.rules.budget
        )

    @cached_property
    def flat(self) -> bool:
        """Whether someone says the same of every frame, so that no scores agree with them, and τ
        and ρ with them are a counted 0; where summaries are compared, whether all frames are kept
        by the same share of people.
        """
        if self.rules.agreement == "scores":
            return bool((np.ptp(self._sampled, axis=1) == 0).any())
        return bool(np.ptp(mean_summary(self.user_summary)) == 0)

    @property
    def rankable(self) -> bool:
        """Whether scores can order anything: not where summaries are compared and all are empty."""
        return self.rules.agreement == "scores" or self.unsummarised is None

    def summary(self, scores: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        """The keyshot summary (N,) of scores (T,) within the budget."""
        spine = self.picks, self.n_frames, self.change_points
        return keyshots(scores, *spine, self.rules.budget, self.rules.beyond)

    def _checked(self, scores: npt.ArrayLike) -> Floats:
        scores_T = np.asarray(scores, dtype=np.float64)
        if scores_T.shape != self.picks.shape:
            raise UserError(
                f"{self.name}: {scores_T.size} scores for {len(self.picks)} sampled frames"
            )
        return scores_T

    def agreement(self, scores: npt.ArrayLike) -> Agreement:
        """τ and ρ of scores (T,) as in `verdict`, and no more: cheap enough to train by.

        Raises UserError for the wrong number of them, or NaN.
        """
        scores_T = self._checked(scores)
        compared = scores_T if self.rules.agreement == "scores" else self.summary(scores_T)
        return with_each(Rankings.of(compared), self._references)

    def verdict(self, scores: npt.ArrayLike) -> Verdict:
        """Judge scores (T,). Raises UserError for the wrong number of them, or NaN."""
        scores_T = self._checked(scores)
        summary_N = self.summary(scores_T)
        ranking = Rankings.of(scores_T if self.rules.agreement == "scores" else summary_N)
        agreed = with_each(ranking, self._references)
        marks = Marks(*agreed, f1.f1(summary_N, self.user_summary, self.rules.f1))
        return Verdict(marks, bool(ranking.constant[0]))

    def human(self) -> Marks:
        """People against each other: τ and ρ over every pair, F1 of each against the others.

        Pairs of scores at the sampled frames, or of binary summaries at full rate.
        """
        by_scores = self.rules.agreement == "scores"
        users = self._references if by_scores else Rankings.of(self.user_summary)
        agreed = pairwise_agreement(users)
        return Marks(*agreed, f1.human_f1(self.user_summary, self.rules.f1))

    def oracle(self) -> Marks:
        """People's own mean at the sampled frames as if it were a prediction: the ceiling of what
        scores of these frames can reach.
        """
        if self.rules.agreement == "scores":
            return self.verdict(self._sampled.mean(axis=0)).marks
        return self.verdict(mean_summary(self.user_summary)[self.picks]).marks

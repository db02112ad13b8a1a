"""One row of a table of results, and the figures it holds: a part of results.json's schema."""

import operator
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

MARKS = ("tau", "rho", "f1")


class Part(BaseModel):
    """Of results.json."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)


class Figure(Part):
    """A mean over videos and its interval; None where one video gives none.

    spread: standard deviation over training seeds, or random draws. folds: the mean over each
    split's videos; fold_spread: their standard deviation. None where there is one.
    """

    mean: float
    low: float | None
    high: float | None
    spread: float | None
    folds: tuple[float, ...] = ()
    fold_spread: float | None


class Difference(Part):
    """A paired difference, its interval, p of a permutation test over videos, raw and Holm's."""

    difference: float
    low: float
    high: float
    p: float
    holm: float


class Against(Part):
    """A row less the reference, which is `row`."""

    row: str
    tau: Difference
    rho: Difference
    f1: Difference


class Sampled(Part):
    """A measure without the knapsack: scores against people's choices at the sampled frames.

    tau, rho: against the mean over users. biserial: against each user's, then the mean over users.
    """

    tau: Figure
    rho: Figure
    biserial: Figure


class Highlights(Part):
    """Average precision of a video's segments, the mean over videos: with the best 50 % by people's
    score as highlights, and with the best 15 %.
    """

    map50: Figure
    map15: Figure


class Row(Part):
    """One row of a table.

    against: None for the reference itself. above_floor: against the constant row, where the measure
    gives that anything; None for that row itself, and where it gives nothing.
    sampled: None where scores are compared, and so no knapsack. highlights: not written where the
    dataset's measure has none, nor of people against each other. deviation: the mean standard
    deviation of a scorer's scores within a video; collapsed: whether that is next to none. Both
    None for a row that has no scores of its own.
    """

    title: str
    kind: Literal["model", "baseline", "people"]
    tau: Figure
    rho: Figure
    f1: Figure
    against: Against | None = None
    above_floor: Against | None = None
    sampled: Sampled | None = None
    highlights: Annotated[Highlights | None, Field(exclude_if=operator.not_)] = None
    deviation: float | None = None
    collapsed: bool | None = None

    def figure(self, mark: str) -> Figure:
        """By the names of `MARKS`."""
        found: Figure = getattr(self, mark)
        return found

"""What lies between a row's τ under strict and under official: a part of results.json's schema."""

from typing import Literal

from pydantic import Field

from stages.artifacts.row import Part

_SAME = 2e-6
"""Between one step told twice, from levels that are rounded each and from the curves at once."""


class Step(Part):
    """A part of a difference in τ, and its standard deviation over seeds or draws."""

    mean: float
    spread: float | None


class EpochStep(Step):
    """What the epoch kept gained: low and high of the runs; others: what the epoch that is best on
    the other splits would have gained, None where there are none. by: what the epoch of the best
    mean τ ("tau") or ρ ("rho") would have gained, without a mark that the curves do not hold.
    """

    low: float
    high: float
    others: float | None
    by: dict[Literal["tau", "rho"], float] = Field(default_factory=dict)

    @property
    def otherwise(self) -> dict[str, float]:
        """Of `by`, under their signs, those that are not the epoch's own."""
        signs: dict[str, float | None] = {"τ": self.by.get("tau"), "ρ": self.by.get("rho")}
        return {
            sign: gained
            for sign, gained in signs.items()
            if gained is not None and abs(gained - self.mean) > _SAME
        }


class Choosing(Part):
    """A row's τ under official less that under strict, and the steps it is made of, as
    `metrics.choosing` defines them.

    epoch: None where nothing was trained. lacking: of so many runs the curve does not tell the
    epochs apart; where there are any, training and epoch are None, as only their sum is known.
    """

    difference: Step
    videos: Step
    training: Step | None = None
    epoch: EpochStep | None = None
    lacking: int = 0

"""What lies between a row's τ under strict and under official: a part of results.json's schema."""

from stages.artifacts.row import Part


class Step(Part):
    """A part of a difference in τ, and its standard deviation over seeds or draws."""

    mean: float
    spread: float | None


class EpochStep(Step):
    """What keeping the best epoch gained: low and high of the runs; others: what the epoch that
    is best on the other splits would have gained, None where there are none.
    """

    low: float
    high: float
    others: float | None


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

"""What the release prints of its test videos: the first GPU's share of them.

It tests on five GPUs and logs τ and ρ without bringing them together, so that what is printed, and
then averaged over splits, is of the first GPU alone (`splits.dealing`): one of SumMe's five videos
of a split, two of TVSum's ten.

Which videos those are is chance. Over all shares that a split could have dealt it, the mean is that
of all its videos; the standard deviation is what a printed figure can be off by without anyone's
having done better or worse.

Shapes: R seeds or draws, n videos of a split.
"""

from dataclasses import dataclass

import numpy as np
from rich.markup import escape
from rich.table import Table

from stages.artifacts.predictions import Splits
from stages.metrics.averages import appearances
from stages.metrics.leaderboard import MARKS, Floats, Scored
from stages.metrics.measurement import Measured
from stages.metrics.printed import mark
from stages.metrics.terminal import begun
from stages.splits.dealing import share

OFFICIAL = "official"
SAID = (
    "τ under official: of all test videos, and of those alone that the first of the release's five "
    "GPUs has, which is what it prints. ±: standard deviation over the shares that it could have "
    "been dealt, a draw for each split."
)
TAU = MARKS.index("tau")


@dataclass(frozen=True)
class Logged:
    """Mean τ over splits: of all videos, of the first GPU's, and how far shares of that size
    spread, as a standard deviation.
    """

    whole: float
    printed: float
    deviation: float


def of_row(row: Scored, splits: Splits) -> Logged:
    """A row's τ, its mean over seeds or draws first, as the release would print it."""
    wholes, printed, variances = [], [], []
    for found in appearances(row.marks, splits):
        tau = {video: float(marks_R3[:, TAU].mean()) for video, marks_R3 in found.items()}
        tau_n = np.array(list(tau.values()))
        mine = share(list(tau))
        wholes.append(tau_n.mean())
        printed.append(np.mean([tau[video] for video in mine]))
        variances.append(_variance(tau_n, len(mine)))
    deviation = np.sqrt(np.sum(variances)) / len(splits)
    return Logged(float(np.mean(wholes)), float(np.mean(printed)), float(deviation))


def _variance(values_n: Floats, drawn: int) -> float:
    """Of the mean of so many of the values, drawn without putting back."""
    count = len(values_n)
    if drawn == count:
        return 0.0
    return float(values_n.var()) * (count - drawn) / (drawn * (count - 1))


def table(measured: Measured) -> Table | None:
    """80 columns wide; None where nothing was measured under the release's own splits."""
    if measured.results.benchmark is None or OFFICIAL not in measured.rows:
        return None
    shown = begun([measured.results.title, "What the release would print"], [SAID])
    for heading in ("all test videos", "first GPU's", "spread of shares"):
        shown.add_column(heading, justify="right")
    for row in measured.rows[OFFICIAL].values():
        found = of_row(row, measured.splits[OFFICIAL])
        shown.add_row(
            escape(row.title), mark(found.whole), mark(found.printed), f"±{mark(found.deviation)}"
        )
    return shown

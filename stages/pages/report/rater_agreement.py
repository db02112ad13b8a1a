"""Who agrees with whom on a video: users, model and the LLM's own score, each with each.

Shapes: U users, R raters, T sampled frames.
"""

from dataclasses import dataclass

import matplotlib
import numpy as np
import numpy.typing as npt
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from stages.metrics.rank import Rankings, taus
from stages.pages.palette import MUTED, PALETTE, STYLE
from stages.pages.report.legend import Legend
from stages.pages.stories import ZERO_SHOT, Story
from stages.pages.svg import drawn_as, width

Floats = npt.NDArray[np.float64]
_SMALL = 8
"""Points of the text."""
_SIDE = 3.0
"""Inches of the matrix."""


@dataclass(frozen=True, eq=False)
class RaterAgreement:
    """Kendall's τ of each rater with each, (R, R), 1 on the diagonal, 0 for one without an order.

    raters: "1" to "U", then what else is rated. users: U.
    """

    raters: tuple[str, ...]
    users: int
    tau_RR: Floats

    @property
    def among_people(self) -> float:
        """Mean over pairs of users; NaN where there is one."""
        return self._mean(self.tau_RR[: self.users, : self.users])

    def with_people(self, rater: str) -> float:
        """Mean over users of a rater's τ with each."""
        return float(self.tau_RR[self.raters.index(rater), : self.users].mean())

    def _mean(self, tau_UU: Floats) -> float:
        above = np.triu_indices(len(tau_UU), 1)
        return float(tau_UU[above].mean()) if len(above[0]) else float("nan")


def of(story: Story, legend: Legend) -> RaterAgreement:
    """The raters of a video: people, the first scorer, and the LLM's own score where no frame lacks
    one.
    """
    rows = list(story.judged_UT)
    raters = [str(number + 1) for number in range(len(rows))]
    for row in (legend.first, ZERO_SHOT):
        scored = row in story.scores and row in legend.rows
        if scored and np.isfinite(story.scores[row]).all():
            rows.append(story.scores[row])
            raters.append(legend.title(row))
    rankings = Rankings.of(np.array(rows))
    tau_RR = np.array([taus(Rankings.of(row_T[None]), rankings) for row_T in rows])
    return RaterAgreement(tuple(raters), len(story.judged_UT), tau_RR)


def figure(found: RaterAgreement) -> str:
    """The matrix as shades of blue for agreement and orange for its opposite."""
    count = len(found.raters)
    others = list(enumerate(found.raters))[found.users :]
    people = f"people 1–{found.users}" if found.users > 1 else "people’s score"
    names = [people, *(name for _, name in others)]
    with matplotlib.rc_context(STYLE):
        beside = max(width(name, _SMALL) for name in names) / 72
        drawn = Figure(figsize=(_SIDE + beside + 0.15, _SIDE + 0.5), layout="constrained")
        axes = drawn.subplots()
        shade = np.zeros((count, count, 4))
        positive = found.tau_RR > 0
        shade[..., :3] = np.where(positive[..., None], to_rgb(PALETTE[0]), to_rgb(PALETTE[3]))
        shade[..., 3] = np.abs(found.tau_RR)
        axes.imshow(shade, interpolation="nearest")
        places = [(found.users - 1) / 2, *(place for place, _ in others)]
        axes.set_yticks(places, names, fontsize=_SMALL)
        axes.set_xticks([])
        for edge in (found.users - 0.5, *(place + 0.5 for place, _ in others[:-1])):
            axes.axhline(edge, color=MUTED, linewidth=0.6)
            axes.axvline(edge, color=MUTED, linewidth=0.6)
        axes.tick_params(length=0)
        axes.set_xlabel(
            "Kendall’s τ: the stronger the blue the closer,\norange: opposed", fontsize=_SMALL
        )
    return drawn_as(drawn, "none")

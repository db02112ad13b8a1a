"""Figures of a comparison as SVG to set inside the page."""

from collections.abc import Sequence

import matplotlib
import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stages.pages.comparison.contestants import Contestant
from stages.pages.comparison.movements import Movement
from stages.pages.palette import MUTED, RULE, STYLE, series
from stages.pages.svg import drawn_as, inline

_DASHES = ((0, ()), (0, (7, 3)), (0, (2, 2)), (0, (9, 3, 2, 3)))


def learning(sides: Sequence[Contestant]) -> list[Markup]:
    """Training and test loss by epoch of every side that learnt, a figure each, on one scale."""
    drawn: list[Markup] = []
    learnt = [(number, side, side.learning) for number, side in enumerate(sides) if side.learning]
    losses = [loss_E for *_, of in learnt for loss_E in (of.train_E, of.test_E)]
    if not losses:
        return drawn
    # A diverged first epoch does not set the scale.
    top = 1.15 * max(float(np.quantile(loss_E, 0.9)) for loss_E in losses)
    for part, label in (("train_E", "training videos"), ("test_E", "test videos")):
        with matplotlib.rc_context(STYLE):
            figure = Figure(figsize=(4.6, 2.7), layout="constrained")
            axes = figure.subplots()
            for number, side, of in learnt:
                axes.plot(
                    of.epochs_E, getattr(of, part), color=series(number),
                    linestyle=_DASHES[number % len(_DASHES)], linewidth=1.5, label=side.name,
                )  # fmt: skip
            axes.set_xlabel("epoch")
            axes.set_ylabel(f"loss on {label}")
            axes.set_ylim(0, top)
            axes.grid(axis="y", color=RULE, linewidth=0.6)
            axes.legend(fontsize=8)
        drawn.append(inline(drawn_as(figure, "none"), f"Loss on {label} by epoch"))
    return drawn


def moved(
    movements: Sequence[Movement], side: int, first: str, name: str, labels: Sequence[str]
) -> Markup:
    """Every video's difference in τ, sorted, with the range over seeds; labels: of each video."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(5.6, 0.9 + 0.19 * len(movements)), layout="constrained")
        axes = figure.subplots()
        for place, movement in enumerate(movements):
            if movement.low is not None and movement.high is not None:
                axes.plot(
                    [movement.low, movement.high], [place, place], color=series(side), linewidth=1.3
                )
            axes.plot(movement.difference, place, "o", color=series(side), markersize=4)
        _sorted(axes, labels)
        axes.set_xlabel("change of Kendall’s τ")  # the heading has the names, of any length
    return inline(drawn_as(figure, "none"), f"Difference in τ of each video, {name} less {first}")


def _sorted(axes: Axes, names: Sequence[str]) -> None:
    axes.axvline(0, color=MUTED, linewidth=0.8)
    axes.set_yticks(range(len(names)), list(names), fontsize=7)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.grid(axis="x", color=RULE, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)

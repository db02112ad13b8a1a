"""Figures of a comparison as SVG to set inside the page."""

import io
from collections.abc import Sequence

import matplotlib
import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stages.comparison.contestants import Contestant
from stages.comparison.movements import Movement
from stages.reporting.palette import MUTED, PALETTE, RULE, STYLE, inline

_DASHES = ((0, ()), (0, (7, 3)), (0, (2, 2)), (0, (9, 3, 2, 3)))


def colour(side: int) -> str:
    """The colour that stands for a side wherever it is drawn."""
    return PALETTE[side % len(PALETTE)]


def _svg(figure: Figure, label: str) -> Markup:
    buffer = io.StringIO()
    with matplotlib.rc_context(STYLE):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return Markup(inline(buffer.getvalue(), label))


def learning(sides: Sequence[Contestant]) -> list[Markup]:
    """Training and test loss of every side by epoch, a figure each, on one scale."""
    drawn = []
    losses = [loss for side in sides for loss in (side.learning.train_E, side.learning.test_E)]
    # A diverged first epoch does not set the scale.
    top = 1.15 * max(float(np.quantile(loss_E, 0.9)) for loss_E in losses)
    for part, label in (("train_E", "training videos"), ("test_E", "test videos")):
        with matplotlib.rc_context(STYLE):
            figure = Figure(figsize=(4.6, 2.7), layout="constrained")
            axes = figure.subplots()
            for number, side in enumerate(sides):
                axes.plot(
                    side.learning.epochs_E, getattr(side.learning, part), color=colour(number),
                    linestyle=_DASHES[number % len(_DASHES)], linewidth=1.5, label=side.name,
                )  # fmt: skip
            axes.set_xlabel("epoch")
            axes.set_ylabel("mean squared error")
            axes.set_title(label)
            axes.set_ylim(0, top)
            axes.grid(axis="y", color=RULE, linewidth=0.6)
            axes.legend(fontsize=8)
        drawn.append(_svg(figure, f"Mean squared error on {label} by epoch"))
    return drawn


def moved(movements: Sequence[Movement], side: int, first: str, name: str) -> Markup:
    """Every video's difference in τ, sorted, with the range over seeds."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(5.6, 0.9 + 0.19 * len(movements)), layout="constrained")
        axes = figure.subplots()
        for place, movement in enumerate(movements):
            if movement.low is not None and movement.high is not None:
                axes.plot(
                    [movement.low, movement.high], [place, place], color=colour(side), linewidth=1.3
                )
            axes.plot(movement.difference, place, "o", color=colour(side), markersize=4)
        _sorted(axes, [movement.video for movement in movements])
        axes.set_xlabel(f"Kendall’s τ: {name} less {first}")
    return _svg(figure, f"Difference in τ of each video, {name} less {first}")


def _sorted(axes: Axes, names: Sequence[str]) -> None:
    axes.axvline(0, color=MUTED, linewidth=0.8)
    axes.set_yticks(range(len(names)), list(names), fontsize=7)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.grid(axis="x", color=RULE, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)

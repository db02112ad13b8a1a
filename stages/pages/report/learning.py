"""How the scorers of a dataset learnt: losses by epoch.

Shapes: E epochs, R runs (a training seed × a split).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from stages.artifacts import curves
from stages.artifacts.curves import Point
from stages.errors import UserError, anew
from stages.pages.palette import MUTED, PALETTE, RULE, STYLE
from stages.pages.svg import drawn_as, titled

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Curve:
    """One scorer's losses by epoch, every run its own line. squared: whether they are mean squared
    errors against people's mean score; else what its kind lowers.
    """

    model: str
    squared: bool
    epochs_E: Floats
    train_RE: Floats
    test_RE: Floats


def read(path: Path, model: str, protocol: str, *, squared: bool = True) -> Curve:
    """A scorer's curve under one protocol. squared: as in `Curve`.

    Raises UserError where the file is missing or damaged, holds no run under the protocol, or its
    runs cover different epochs.
    """
    runs: dict[tuple[int, int], list[Point]] = {}
    for point in curves.read(path):
        if point.protocol == protocol:
            runs.setdefault((point.seed, point.split), []).append(point)
    again = anew("train")
    if not runs:
        raise UserError(f"{path}: holds no run under the protocol {protocol}; {again}")
    ordered = [sorted(run, key=lambda point: point.epoch) for run in runs.values()]
    epochs = [[point.epoch for point in run] for run in ordered]
    if any(other != epochs[0] for other in epochs):
        raise UserError(f"{path}: the runs of {model} cover different epochs; {again}")
    return Curve(
        model,
        squared,
        np.array(epochs[0], dtype=np.float64),
        np.array([[point.train_loss for point in run] for run in ordered]),
        np.array([[point.test_loss for point in run] for run in ordered]),
    )


def highest(drawn: Sequence[Curve], guess: float) -> float:
    """An end of the axis of squared errors above every mean curve of them; a diverged first epoch
    does not set it.
    """
    return _above([loss_E for curve in drawn if curve.squared for loss_E in _means(curve)], guess)


def _above(losses: Sequence[Floats], least: float) -> float:
    usual = max((float(np.quantile(loss_E, 0.95)) for loss_E in losses), default=least)
    return 1.15 * max(least, usual)


def _means(curve: Curve) -> list[Floats]:
    return [loss_RE.mean(axis=0) for loss_RE in (curve.train_RE, curve.test_RE)]


def label(squared: bool) -> str:
    """What a loss is called."""
    return "mean squared error" if squared else "the kind’s own loss"


def end(curve: Curve, top: float) -> float:
    """Of a curve's axis: that of squared errors, or one of its own."""
    return top if curve.squared else _above(_means(curve), 0.0)


def figure(
    drawn: Sequence[Curve],
    titles: Sequence[str],
    *,
    guess: float,
    top: float,
    heading: str | None = None,
    simulated: bool = False,
) -> str:
    """Train and test loss by epoch, an axes a scorer: mean and one standard deviation over runs.

    guess is the squared error of always answering the average score: what a scorer must get under.
    top is the end of the axis of squared errors, shared by figures to be compared (`highest`); a
    scorer that lowers another loss has an axis of its own. Without a heading the
    figure is small and has no background, to be set into a page.
    """
    with matplotlib.rc_context(STYLE):
        size = (2.75 * len(drawn) + 0.3, 2.75) if heading else (2.65, 2.0)
        made = Figure(figsize=size, layout="constrained")
        alike = all(curve.squared for curve in drawn)
        axes_of = made.subplots(1, len(drawn), sharey=alike, squeeze=False)[0]
        for axes, curve, title in zip(axes_of, drawn, titles, strict=True):
            if curve.squared:
                axes.axhline(guess, color=MUTED, linewidth=0.9, linestyle=(0, (2, 3)))
            for name, loss_RE, colour, dashes in (
                ("train", curve.train_RE, PALETTE[1], (0, (4, 1.5))),
                ("test", curve.test_RE, PALETTE[0], "solid"),
            ):
                mean_E, spread_E = loss_RE.mean(axis=0), loss_RE.std(axis=0)
                axes.fill_between(
                    curve.epochs_E, mean_E - spread_E, mean_E + spread_E,
                    color=colour, alpha=0.16, linewidth=0,
                )  # fmt: skip
                axes.plot(curve.epochs_E, mean_E, color=colour, linestyle=dashes, label=name)
            axes.set_title(title, weight="bold")
            axes.set_xlabel("epoch")
            axes.set_ylim(0, end(curve, top))
            axes.grid(axis="y", color=RULE, linewidth=0.6)
            if axes is axes_of[0] or not curve.squared:
                axes.set_ylabel(label(curve.squared))
        axes_of[0].legend(loc="best", fontsize=8, ncols=2, handlelength=1.8)
        if heading:
            titled(made, heading, simulated, 0.55 if simulated else 0.35)
    return drawn_as(made, "white" if heading else "none")

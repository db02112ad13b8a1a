"""One model's learning, split by split under every protocol, with the epochs that matter.

Shapes: E epochs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import matplotlib
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from stages.artifacts import curves, predictions, timeline
from stages.artifacts.places import Places
from stages.errors import UserError, anew
from stages.pages.palette import MUTED, PALETTE, RULE, STYLE
from stages.pages.svg import drawn_as, titled

Floats = npt.NDArray[np.float64]
_COLOURS = PALETTE[0], PALETTE[3]
"""Of the last epoch, and of the kept one."""


@dataclass(frozen=True, eq=False)
class Run:
    """A seed on a split: losses by epoch, and the epoch whose weights were kept."""

    protocol: str
    split: int
    seed: int
    epochs_E: Floats
    train_E: Floats
    test_E: Floats
    kept: float

    @property
    def last(self) -> bool:
        """Whether the last epoch was kept."""
        return self.kept >= float(self.epochs_E[-1])


def read(places: Places, model: str) -> list[Run]:
    """A model's runs in the order they were trained.

    Raises UserError where its curves or predictions are missing, damaged, or of other runs.
    """
    points: dict[tuple[str, int, int], list[tuple[float, float, float]]] = {}
    for point in curves.read(places.curves(model)):
        run = (point.protocol, point.seed, point.split)
        losses = (point.epoch, point.train_loss, point.test_loss)
        points.setdefault(run, []).append(losses)
    path = places.predictions(model)
    protocols = list(dict.fromkeys(protocol for protocol, _, _ in points))
    lengths = {video.name: len(video.picks_T) for video in timeline.read(places.timeline).videos}
    scored = predictions.read(path, lengths, protocols)
    runs = []
    for (protocol, seed, split), of_run in points.items():
        epochs_E, train_E, test_E = np.array(sorted(of_run)).T
        of_seed = scored[protocol].epochs.get(f"seed_{seed}", [])
        kept = of_seed[split] if split < len(of_seed) else None
        if kept is None:
            raise UserError(
                f"{path}: lacks a run that {places.curves(model)} tells of ({protocol}, seed "
                f"{seed}, split {split}); {anew('train')}"
            )
        runs.append(Run(protocol, split, seed, epochs_E, train_E, test_E, kept))
    return runs


def figure(
    runs: Sequence[Run], rules: Mapping[str, str], *, guess: float | None, top: float, loss: str,
    heading: str | None, simulated: bool = False,
) -> str:  # fmt: skip
    """Train and test loss by epoch, a row a protocol and a column a split, a line a seed.

    A dot is the last epoch, a diamond the one that was kept where it is another; an arrow at the
    axis's end is either, above it. Without a heading there is no background, to be set into a page.

    Args:
        rules: the protocols, and of each in a few words which epoch it keeps.
        guess: the loss of always answering the average score; None where it is not known.
        top: the end of the loss axis.
        loss: what it is called.
    """
    splits = 1 + max(run.split for run in runs)
    with matplotlib.rc_context(STYLE):
        drawn = Figure(figsize=(7.6, 0.5 + 1.85 * len(rules)), layout="constrained")
        grid = drawn.subplots(len(rules), splits, sharex=True, sharey=True, squeeze=False)
        for row, (protocol, rule) in zip(grid, rules.items(), strict=True):
            for split, axes in enumerate(row):
                of_split = [r for r in runs if (r.protocol, r.split) == (protocol, split)]
                _lines(axes, of_split, guess, top)
                if not split:
                    axes.set_ylabel(loss, fontsize=8)
                    _row_title(axes, f"{protocol}: {rule}")
                axes.annotate(  # above the panel, for lines reach every corner of it
                    f"split {split + 1}", (1, 1.02), xycoords="axes fraction", ha="right",
                    va="bottom", color=MUTED, fontsize=8,
                )  # fmt: skip
        for axes in grid[-1]:
            axes.set_xlabel("epoch", fontsize=8)
        above = any(loss > top for run in runs for _, loss in _marked(run))
        drawn.legend(handles=_named(above), loc="outside lower center", ncols=5, fontsize=8)
        if heading:
            titled(drawn, heading, simulated, 0.55 if simulated else 0.35)
    return drawn_as(drawn, "white" if heading else "none")


def _row_title(axes: Axes, text: str) -> None:
    """Above a row's first panel, which it may be wider than: a title of the axes itself would then
    push the second panel away.
    """
    room = axes.set_title(" ", weight="bold", pad=15)
    axes.annotate(
        text, (0, 1), (0, 15), xycoords="axes fraction", textcoords="offset points", weight="bold",
        fontsize=room.get_fontsize(), annotation_clip=False,
    ).set_in_layout(False)  # fmt: skip


def _named(above: bool) -> list[Line2D]:
    arrow = Line2D([], [], color=MUTED, marker="^", linestyle="", label="above the axis")
    return [
        Line2D([], [], color=PALETTE[1], linestyle=(0, (4, 1.5)), linewidth=0.9, label="train"),
        Line2D([], [], color=PALETTE[0], linewidth=1.1, label="test"),
        Line2D([], [], color=PALETTE[0], marker="o", linestyle="", label="last epoch"),
        Line2D([], [], color=PALETTE[3], marker="D", linestyle="", label="epoch kept, if another"),
        *([arrow] if above else []),
    ]


def _marked(run: Run) -> list[tuple[float, float]]:
    """Epoch and test loss of the last epoch, and of the kept one where it is another."""
    places = [len(run.epochs_E) - 1]
    if not run.last:
        places.append(int(np.argmin(np.abs(run.epochs_E - run.kept))))
    return [(float(run.epochs_E[at]), float(run.test_E[at])) for at in places]


def _lines(axes: Axes, runs: Sequence[Run], guess: float | None, top: float) -> None:
    if guess is not None:
        axes.axhline(guess, color=MUTED, linewidth=0.8, linestyle=(0, (2, 3)))
    for run in runs:
        axes.plot(
            run.epochs_E, run.train_E, color=PALETTE[1], linewidth=0.9, linestyle=(0, (4, 1.5))
        )
        axes.plot(run.epochs_E, run.test_E, color=PALETTE[0], linewidth=1.1)
        for (epoch, loss), marker, colour in zip(_marked(run), "oD", _COLOURS, strict=False):
            axes.plot(
                epoch, min(loss, top), marker if loss <= top else "^", color=colour,
                markersize=4 + 0.5 * (marker == "D"), zorder=5, clip_on=False,
            )  # fmt: skip
    axes.set_ylim(0, top)
    axes.grid(axis="y", color=RULE, linewidth=0.6)
    axes.tick_params(labelsize=7)

"""One model's learning, split by split under every protocol, with the epochs that matter.

Shapes: E epochs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py
import matplotlib
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from stages.errors import UserError
from stages.reporting import measurements
from stages.reporting.palette import MUTED, PALETTE, RULE, STYLE
from stages.reporting.svg import drawn_as, titled

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Run:
    """A seed on a split: losses by epoch, and the epoch whose weights were kept."""

    protocol: str
    split: int
    seed: str
    epochs_E: Floats
    train_E: Floats
    test_E: Floats
    kept: float

    @property
    def last(self) -> bool:
        """Whether the last epoch was kept."""
        return self.kept >= float(self.epochs_E[-1])


def read(curves: Path, predictions: Path, model: str) -> list[Run]:
    """A model's runs in the order they were trained.

    Raises UserError where a file is missing or not what train and evaluate write.
    """
    names = ("epoch", "train_loss", "test_loss")
    points: dict[tuple[str, str, str], list[list[float]]] = {}
    for line in measurements.lines(curves, ("model", "protocol", "seed", "split", *names)):
        if line["model"] == model:
            run = (line["protocol"], line["seed"], line["split"])
            points.setdefault(run, []).append(measurements.numbers(curves, line, names))
    try:
        with h5py.File(predictions) as file:
            kept = {
                (protocol, seed, split): float(
                    file[f"{protocol}/seed_{seed}/split_{split}"].attrs["epoch"]
                )
                for protocol, seed, split in points
            }
    except (OSError, KeyError) as error:
        raise UserError(
            f"{predictions}: lacks a run that {curves} tells of ({error}); run the train stage "
            "again (`dvc repro`)"
        ) from error
    runs = []
    for (protocol, seed, split), of_run in points.items():
        epochs_E, train_E, test_E = np.array(sorted(of_run)).T
        place = (protocol, seed, split)
        runs.append(Run(protocol, int(split), seed, epochs_E, train_E, test_E, kept[place]))
    return runs


def figure(
    runs: Sequence[Run], rules: Mapping[str, str], *, guess: float, top: float, heading: str | None,
    simulated: bool = False,
) -> str:  # fmt: skip
    """Train and test loss by epoch, a row a protocol and a column a split, a line a seed.

    A dot is the last epoch, a diamond the one that was kept where it is another. Without a
    heading there is no background, to be set into the page.

    Args:
        rules: the protocols, and of each in a few words which epoch it keeps.
        guess: the loss of always answering the average score.
        top: the end of the loss axis.
    """
    splits = 1 + max(run.split for run in runs)
    with matplotlib.rc_context(STYLE):
        drawn = Figure(figsize=(7.6, 0.5 + 1.75 * len(rules)), layout="constrained")
        grid = drawn.subplots(len(rules), splits, sharex=True, sharey=True, squeeze=False)
        for row, (protocol, rule) in zip(grid, rules.items(), strict=True):
            for split, axes in enumerate(row):
                of_split = [r for r in runs if (r.protocol, r.split) == (protocol, split)]
                _lines(axes, of_split, guess, top)
                if not split:
                    axes.set_ylabel("mean squared error", fontsize=8)
                    axes.set_title(f"{protocol}: {rule}", weight="bold")
                axes.annotate(
                    f"split {split + 1}", (0.97, 0.95), xycoords="axes fraction", ha="right",
                    va="top", color=MUTED, fontsize=8,
                )  # fmt: skip
        for axes in grid[-1]:
            axes.set_xlabel("epoch", fontsize=8)
        drawn.legend(handles=_named(), loc="outside lower center", ncols=4, fontsize=8)
        if heading:
            titled(drawn, heading, simulated, 0.55 if simulated else 0.35)
    return drawn_as(drawn, "white" if heading else "none")


def _named() -> list[Line2D]:
    return [
        Line2D([], [], color=PALETTE[1], linestyle=(0, (4, 1.5)), linewidth=0.9, label="train"),
        Line2D([], [], color=PALETTE[0], linewidth=1.1, label="test"),
        Line2D([], [], color=PALETTE[0], marker="o", linestyle="", label="last epoch"),
        Line2D([], [], color=PALETTE[3], marker="D", linestyle="", label="epoch kept, if another"),
    ]


def _lines(axes: Axes, runs: Sequence[Run], guess: float, top: float) -> None:
    axes.axhline(guess, color=MUTED, linewidth=0.8, linestyle=(0, (2, 3)))
    for run in runs:
        axes.plot(
            run.epochs_E, run.train_E, color=PALETTE[1], linewidth=0.9, linestyle=(0, (4, 1.5))
        )
        axes.plot(run.epochs_E, run.test_E, color=PALETTE[0], linewidth=1.1)
        end = run.epochs_E[-1], run.test_E[-1]
        axes.plot(*end, "o", color=PALETTE[0], markersize=4, clip_on=False)
        if not run.last:
            at = int(np.argmin(np.abs(run.epochs_E - run.kept)))
            place = run.epochs_E[at], run.test_E[at]
            axes.plot(*place, "D", color=PALETTE[3], markersize=4.5, zorder=5, clip_on=False)
    axes.set_ylim(0, top)
    axes.grid(axis="y", color=RULE, linewidth=0.6)
    axes.tick_params(labelsize=7)

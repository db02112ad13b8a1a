"""Rows of several kinds side by side: how large they are, what they took, and what they earn."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, LogLocator, NullFormatter
from matplotlib.transforms import ScaledTranslation

from stages.artifacts import row as rows
from stages.artifacts.places import Places
from stages.artifacts.results import Results
from stages.errors import UserError, anew
from stages.pages.palette import MUTED, PALETTE, RULE, STYLE
from stages.pages.svg import drawn_as
from stages.scorers import checkpoints, registry
from stages.training.taken import SCORING, TRAINING
from stages.work import runs

_MARKERS = ("o", "s", "^", "D")
_ALIKE, _APART = 0.02, 7.0
"""Sizes within that share of one another stand that many points apart."""


@dataclass(frozen=True)
class Kind:
    """A trained row.

    parameters: numbers that it learnt. training, scoring: seconds of a run under the headline
    protocol, and of a tested video, where it was made on this machine; else None. taus: by
    protocol.
    """

    title: str
    kind: str
    parameters: int
    training: float | None
    scoring: float | None
    taus: Mapping[str, rows.Figure]


def compared(places: Places, models: Sequence[str], measured: Results, root: Path) -> list[Kind]:
    """The trained rows; none where all are of one kind.

    Args:
        places: of the dataset.
        models: the rows.
        measured: what evaluate measured.
        root: of the work store, which holds what trainings took.

    Raises:
        UserError: a row's weights are not there, or cannot be read.
    """
    found = []
    for model in models:
        folder = places.checkpoints(model)
        path = next(iter(sorted(folder.rglob(f"*{checkpoints.SUFFIX}"))), None)
        if path is None:
            raise UserError(f"{folder}: holds no weights; {anew('train')}")
        kind, parameters = registry.size(path)
        record = runs.of(root, "train", places.predictions(model))
        took = record.measured if record is not None else {}
        taus = {
            name: of.rows[model].tau for name, of in measured.protocols.items() if model in of.rows
        }
        if not taus:
            continue
        title = next(of.rows[model].title for of in measured.protocols.values() if model in of.rows)
        found.append(Kind(title, kind, parameters, took.get(TRAINING), took.get(SCORING), taus))
    return found if len({each.kind for each in found}) > 1 else []


def figure(kinds: Sequence[Kind], measured: Results) -> str:
    """τ against the numbers learnt and, where it was measured, against the seconds of a training.

    Filled: the headline protocol, with its interval; hollow: the other. Dashed: what constant
    scores earn. What learns nothing is not drawn.
    """
    drawn = [(place, each) for place, each in enumerate(kinds) if each.parameters]
    panels = [("numbers learnt", [float(each.parameters) for _, each in drawn])]
    seconds = [each.training for _, each in drawn if each.training is not None]
    if seconds and len(seconds) == len(drawn):
        panels.append(("seconds of a training", seconds))
    with matplotlib.rc_context(STYLE):
        made = Figure(figsize=(7.6, 3.1 + 0.18 * (len(drawn) // 3)), layout="constrained")
        grid = made.subplots(1, len(panels), sharey=True, squeeze=False)[0]
        for axes, (label, along) in zip(grid, panels, strict=True):
            beside = _beside(along)
            for (place, each), at, points in zip(drawn, along, beside, strict=True):
                _point(axes, at, each, place, measured.headline, points)
            _floor(axes, measured)
            _logarithmic(axes, along)
            axes.set_xlabel(label)
            axes.grid(color=RULE, linewidth=0.5)
            axes.set_axisbelow(True)
        grid[0].set_ylabel("Kendall’s τ")
        handles, titles = (
            [*each[0::3], *each[1::3], *each[2::3]]  # a legend's columns are filled one by one
            for each in grid[0].get_legend_handles_labels()
        )
        made.legend(handles, titles, loc="outside lower center", ncols=3, fontsize=8)
    return drawn_as(made, "none")


def _beside(along: Sequence[float]) -> list[float]:
    """Points by which those that would stand on one another are set apart."""
    found: list[float] = []
    for at in along:
        alike = [place for place, other in enumerate(along) if abs(other / at - 1) < _ALIKE]
        found.append(_APART * (alike.index(len(found)) - (len(alike) - 1) / 2))
    return found


def _logarithmic(axes: Axes, along: Sequence[float]) -> None:
    """Marks a tenfold apart, or closer where all lie within a few of them."""
    axes.set_xscale("log")
    axes.margins(x=0.12)
    near = max(along) < 50 * min(along)
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if near else (1,)))
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _point(axes: Axes, at: float, each: Kind, place: int, headline: str, beside: float) -> None:
    figure = axes.get_figure(root=True)
    assert figure is not None
    where = axes.transData + ScaledTranslation(beside / 72, 0, figure.dpi_scale_trans)
    colour, marker = PALETTE[place % len(PALETTE)], _MARKERS[place // len(PALETTE) % len(_MARKERS)]
    for protocol, tau in each.taus.items():
        first = protocol == headline
        # What is set apart does not count for the axes by itself.
        ends = [end for end in (tau.low, tau.mean, tau.high) if end is not None]
        axes.update_datalim([(at, end) for end in ends])
        if first and tau.low is not None and tau.high is not None:
            axes.plot([at, at], [tau.low, tau.high], color=colour, linewidth=0.9, transform=where)
        axes.plot(
            at, tau.mean, marker, color=colour, markersize=6, linestyle="",
            markerfacecolor=colour if first else "none", label=each.title if first else None,
            transform=where,
        )  # fmt: skip


def _floor(axes: Axes, measured: Results) -> None:
    axes.axhline(0, color=MUTED, linewidth=0.8)
    floor = measured.protocols[measured.headline].floor
    if floor is not None:
        axes.axhline(floor.tau, color=PALETTE[3], linewidth=0.9, linestyle=(0, (6, 2)))

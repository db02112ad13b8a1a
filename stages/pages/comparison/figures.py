"""What differs between revisions, in params and in figures: for the terminal and for the page."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from rich.box import SIMPLE
from rich.markup import escape
from rich.table import Table

from stages.artifacts.row import Figure
from stages.experiments.measured import difference
from stages.experiments.overrides import ABSENT, flat, spelled
from stages.metrics.paired import Paired, holm
from stages.metrics.printed import SIMULATED, figure_lines, interval, shown_p
from stages.metrics.printed import mark as shown
from stages.metrics.tables import OPTIMISTIC, floor_said
from stages.pages.comparison.contestants import Contestant

SHOWN = {"tau": "τ", "rho": "ρ"}


@dataclass(frozen=True)
class Compared:
    """A side's figure for one mark, and how it differs from the first's; None for the first."""

    figure: Figure
    against: Paired | None
    holm: float | None


@dataclass(frozen=True)
class Figures:
    """One protocol: by side, then by mark."""

    protocol: str
    videos: int
    sides: dict[str, dict[str, Compared]]


def settings(sides: Sequence[Contestant], dataset: str) -> dict[str, list[str]]:
    """Every value of params.yaml that the sides do not share, by its path, a value a side.

    Only what bears on the comparison: the dataset's recipe and the row's own entry.
    """
    leaves = [
        flat({"models": {side.row: side.params["models"].get(side.row, {})},
              "datasets": {dataset: side.params["datasets"][dataset]}})
        for side in sides
    ]  # fmt: skip
    paths = sorted(set().union(*leaves))
    values = {path: [leaf.get(path, ABSENT) for leaf in leaves] for path in paths}
    return {
        path: ["–" if value is ABSENT else spelled(value) for value in each]
        for path, each in values.items()
        if any(value != each[0] for value in each[1:])
    }


def figures(sides: Sequence[Contestant]) -> list[Figures]:
    """Every protocol that all sides have. p is corrected for the sides tested, a mark at a time."""
    found = []
    for protocol, of in sides[0].results.protocols.items():
        bands = [side.results.protocols.get(protocol) for side in sides]
        rows = [
            band.rows[side.row] if band is not None and side.row in band.rows else None
            for side, band in zip(sides, bands, strict=True)
        ]
        if any(row is None for row in rows):
            continue
        by_mark = {mark: _against(sides, protocol, mark) for mark in SHOWN}
        corrected = {
            mark: holm({name: of_side.p for name, of_side in each.items()})
            for mark, each in by_mark.items()
        }
        by_side = {
            side.name: {
                mark: Compared(
                    row.figure(mark),
                    by_mark[mark].get(side.name),
                    corrected[mark].get(side.name),
                )
                for mark in SHOWN
            }
            for side, row in zip(sides, rows, strict=True)
            if row is not None
        }
        found.append(Figures(protocol, of.videos, by_side))
    return found


def _against(sides: Sequence[Contestant], protocol: str, mark: str) -> dict[str, Paired]:
    first = sides[0]
    theirs = first.videos[protocol][first.row]
    confidence = first.results.confidence
    return {
        side.name: difference(side.videos[protocol][side.row], theirs, mark, confidence)
        for side in sides[1:]
    }


def notes(sides: Sequence[Contestant], protocols: Collection[str]) -> list[str]:
    """What a reader of the figures under these protocols must know."""
    first = sides[0]
    confidence = 100 * first.results.confidence
    return [
        f"[low, high]: {confidence:g} % bootstrap over videos. ±: standard deviation over seeds.",
        f"Δ: less {first.name}, video by video. p: paired permutation test over videos, then "
        f"Holm's correction for {len(sides) - 1} tested.",
        *(
            f"{name}: {floor_said(first.results.benchmark or first.results.title, of.rows)}"
            for name, of in first.results.protocols.items()
            if of.floor and name in protocols
        ),
    ]


def title(of: Figures) -> str:
    optimistic = f"; {OPTIMISTIC}" if of.protocol == "official" else ""
    return f"protocol {of.protocol}, {of.videos} videos{optimistic}"


def parts(of: Compared) -> list[str]:
    """A figure as lines: mean and spread, interval, difference with its interval, p-values."""
    lines = figure_lines(of.figure.model_dump(exclude={"fold_spread"}), shown)
    if of.against is not None and of.holm is not None:
        against = of.against
        lines += [
            f"Δ {shown(against.difference)} {interval(against.low, against.high)}",
            f"p {shown_p(against.p)}, {shown_p(of.holm)}",
        ]
    return lines


def tables(sides: Sequence[Contestant], dataset: str) -> list[Table]:
    """For the terminal: the params that differ, then a table a protocol."""
    differing = Table(title="params that differ", box=SIMPLE, pad_edge=False, title_justify="left")
    for heading in ("", *(side.name for side in sides)):
        differing.add_column(escape(heading), overflow="fold")
    for path, values in settings(sides, dataset).items():
        differing.add_row(escape(path), *(escape(_brief(value)) for value in values))
    if not differing.row_count:
        differing.add_row("none", *("" for _ in sides))
    first = sides[0]
    found = [differing]
    for of in figures(sides):
        said = [escape(f"{first.row} of {first.results.title}"), escape(title(of))]
        if first.results.simulated:
            said.append(SIMULATED)
        caption = escape("\n".join(notes(sides, [of.protocol])))
        table = Table(title="\n".join(said), box=SIMPLE, pad_edge=False, title_justify="left",
                      caption=caption, caption_justify="left")  # fmt: skip
        table.add_column("", overflow="fold")
        for sign in SHOWN.values():
            table.add_column(sign, justify="right", min_width=len("Δ −.000 [−.000, −.000]"))
        for name, of_side in of.sides.items():
            cells = ["\n".join(parts(of_side[mark])) for mark in SHOWN]
            table.add_row(*(escape(cell) for cell in (name, *cells)))
        found.append(table)
    return found


def _brief(value: str, most: int = 60) -> str:
    line = " ".join(value.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"

"""The tables of results, one a protocol: ours first, then what only the paper has."""

from dataclasses import dataclass
from typing import Any

from stages import rows
from stages.artifacts.results import ProtocolTable, Results
from stages.artifacts.row import Figure, Row
from stages.metrics.tables import floor_said
from stages.pages.report.legend import Legend
from stages.pages.report.scale import Scale
from stages.pages.report.wording import rule
from stages.params import Recipe
from stages.rows import PaperRow

Json = dict[str, Any]


@dataclass(frozen=True)
class Table:
    """One protocol's table. rule says in a sentence what the protocol is, floor what the measure
    gives for nothing; rows are ours first, then what only the paper has. above_floor: whether ours
    are tested against constant scores. sampled: ours as they are without the knapsack. highlights:
    ours that have figures of highlights.
    """

    protocol: str
    rule: str
    videos: int
    floor: str | None
    flags: tuple[str, ...]
    rows: list[Json]
    above_floor: bool
    sampled: list[Row]
    highlights: list[Row]


def tables(
    results: Results, recipe: Recipe, legend: Legend
) -> tuple[list[Table], list[str], Scale]:
    """A table for each protocol, the headline first; the paper's datasets shown; and the scale of
    the dots, the same for all.
    """
    shown: list[str] = [results.benchmark] if results.benchmark else list(rows.DATASETS)
    made = []
    for name, of in results.protocols.items():
        floor = _floor(results.benchmark or results.title, of)
        table = Table(
            protocol=name,
            rule=rule(name, recipe.splits, recipe.train),
            videos=of.videos,
            floor=floor,
            flags=tuple(flag for flag in of.flags if flag != floor),
            rows=_rows(of, shown, legend),
            above_floor=any(row.above_floor for row in of.rows.values()),
            sampled=[row for row in of.rows.values() if row.sampled],
            highlights=[row for row in of.rows.values() if row.highlights],
        )
        made.append(table)
    taus = [row.tau for of in results.protocols.values() for row in of.rows.values()]
    ends = [end for tau in taus for end in (tau.low, tau.mean, tau.high) if end is not None]
    return made, shown, Scale.over(ends)


def _floor(name: str, protocol: ProtocolTable) -> str | None:
    """What the measure gives for nothing, in a sentence that stands above the table."""
    if protocol.floor is None:
        return None
    return floor_said(name, protocol.rows)


def _rows(protocol: ProtocolTable, shown: list[str], legend: Legend) -> list[Json]:
    ours = [
        {
            "title": row.title,
            "kind": row.kind,
            "row": row,
            "dot": _dot(name, row, row.tau, legend),
            "theirs": _theirs(rows.counterpart(name), shown),
            "published": rows.published(rows.counterpart(name)),
        }
        for name, row in protocol.rows.items()
    ]
    theirs = [
        {
            "title": printed.theirs,
            "kind": "paper",
            "row": None,
            "dot": None,
            "theirs": _theirs(printed, shown),
            "published": rows.published(printed),
        }
        for printed in rows.PRINTED
        if printed.reads not in protocol.rows and any(printed.on(name) for name in shown)
    ]
    return [*ours, *theirs]


def _theirs(printed: PaperRow | None, shown: list[str]) -> list[Json]:
    found = []
    for name in shown:
        said = printed.on(name) if printed else None
        found.append(
            {
                "dataset": name,
                "tau": said.tau if said else None,
                "rho": said.rho if said else None,
            }
        )
    return found


def _dot(name: str, row: Row, tau: Figure, legend: Legend) -> Json:
    slot = "s-people" if row.kind == "people" else legend.slot(name)
    return {"slot": slot, "mean": tau.mean, "low": tau.low, "high": tau.high}

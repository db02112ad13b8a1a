"""The tables of results, one a protocol: ours first, then what only the paper has."""

from dataclasses import dataclass
from typing import Any

from stages.reporting import paper
from stages.reporting.legend import Legend
from stages.reporting.measurements import Figure, Protocol, Results, Row
from stages.reporting.scale import Scale
from stages.reporting.wording import rule
from stages.training.settings import Train

Json = dict[str, Any]


@dataclass(frozen=True)
class Table:
    """One protocol's table. rule says in a sentence what the protocol is; rows are ours first,
    then what only the paper has.
    """

    protocol: str
    rule: str
    videos: int
    flags: tuple[str, ...]
    rows: list[Json]


def tables(results: Results, train: Train, legend: Legend) -> tuple[list[Table], list[str], Scale]:
    """A table for each protocol, the headline first; the paper's datasets shown; and the scale of
    the dots, the same for all.
    """
    benchmark = paper.benchmark(results.dataset)
    shown = [benchmark] if benchmark else list(paper.DATASETS)

    made = [
        Table(of.name, rule(of.name, train), of.videos, of.flags, _rows(of, shown, legend))
        for of in results.protocols
    ]
    taus = [row.figures["tau"] for of in results.protocols for row in of.rows]
    ends = [end for tau in taus for end in (tau.low, tau.mean, tau.high) if end is not None]
    return made, shown, Scale.over(ends)


def _rows(protocol: Protocol, shown: list[str], legend: Legend) -> list[Json]:
    rows: list[Json] = [
        {
            "title": row.title,
            "kind": row.kind,
            "figures": row.figures,
            "against": row.against,
            "dot": _dot(row, row.figures["tau"], legend),
            "theirs": _theirs(paper.counterpart(row.name), shown),
        }
        for row in protocol.rows
    ]
    rows += [
        {
            "title": method.title,
            "kind": "paper",
            "figures": None,
            "against": None,
            "theirs": _theirs(method, shown),
        }
        for method in paper.METHODS
        if protocol.row(method.row or "") is None and any(method.on(name) for name in shown)
    ]
    return rows


def _theirs(method: paper.Method | None, shown: list[str]) -> list[Json]:
    found = []
    for name in shown:
        said = method.on(name) if method else None
        found.append(
            {
                "dataset": name,
                "tau": said.tau if said else None,
                "rho": said.rho if said else None,
            }
        )
    return found


def _dot(row: Row, tau: Figure, legend: Legend) -> Json:
    slot = "s-people" if row.kind == "people" else legend.slot(row.name)
    return {"slot": slot, "mean": tau.mean, "low": tau.low, "high": tau.high}

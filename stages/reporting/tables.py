"""The table of results: ours first, then what only the paper has."""

from typing import Any

from stages.reporting import paper
from stages.reporting.legend import Legend
from stages.reporting.measurements import Figure, Measurements, Row
from stages.reporting.scale import Scale

Json = dict[str, Any]


def table(measured: Measurements, legend: Legend) -> tuple[list[Json], list[str], Scale]:
    """Rows of the results table, ours first, then what only the paper has; the paper's datasets
    shown; and the scale of the dots.
    """
    results = measured.results
    benchmark = paper.benchmark(results.dataset)
    shown = [benchmark] if benchmark else list(paper.DATASETS)

    def theirs(method: paper.Method | None) -> list[Json]:
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

    rows: list[Json] = [
        {
            "title": row.title,
            "kind": row.kind,
            "figures": row.figures,
            "dot": _dot(row, row.figures["tau"], legend),
            "theirs": theirs(paper.counterpart(row.name)),
        }
        for row in results.rows
    ]
    rows += [
        {"title": method.title, "kind": "paper", "figures": None, "theirs": theirs(method)}
        for method in paper.METHODS
        if method.row is None and any(method.on(name) for name in shown)
    ]
    taus = [row.figures["tau"] for row in results.rows]
    ends = [end for tau in taus for end in (tau.low, tau.mean, tau.high) if end is not None]
    return rows, shown, Scale.over(ends)


def _dot(row: Row, tau: Figure, legend: Legend) -> Json:
    slot = "s-people" if row.kind == "people" else legend.slot(row.name)
    return {"slot": slot, "mean": tau.mean, "low": tau.low, "high": tau.high}

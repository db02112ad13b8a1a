"""A table of the paper, filled from what has been measured: the workspace, and its experiments."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from stages import rows
from stages.errors import UserError
from stages.experiments import freshness, measured
from stages.experiments.measured import Measured
from stages.experiments.overrides import ABSENT, lookup, spelled
from stages.experiments.revisions import HERE, experiments
from stages.experiments.table import SHOWN, Cell, Experiment, Line, Table
from stages.metrics.paired import holm

Json = dict[str, Any]


@dataclass(frozen=True)
class Filled:
    """A table under each protocol asked for, and what would complete it."""

    tables: tuple[Table, ...]
    missing: tuple[Experiment, ...]


@dataclass(frozen=True)
class _Found:
    """Where a row's figures are, or why there are none."""

    row: rows.PaperRow
    at: Measured | None
    why: str | None = None
    lacking: Experiment | None = None


def fill(table: str, dataset: str, protocol: str) -> Filled:
    """The table of a dataset under one protocol, or "all". Raises UserError where the workspace
    was never measured, its params.yaml has no such dataset, or it lacks the protocol.
    """
    document = HERE.document("params.yaml")
    if dataset not in document["datasets"]:
        raise UserError(
            f"params.yaml: no dataset {dataset!r} (has {', '.join(sorted(document['datasets']))})"
        )
    here = measured.read(HERE, dataset)
    protocols = list(here.results.protocols)
    if protocol != "all" and protocol not in protocols:
        raise UserError(
            f"reports/results/{dataset}/results.json: has the protocols {', '.join(protocols)}, "
            f"not {protocol}; name it in datasets.{dataset}.splits.protocols and run `dvc repro`"
        )
    found = [_find(row, document, dataset, here) for row in rows.of_table(table)]
    wanted = protocols if protocol == "all" else [protocol]
    notes = tuple(note for note in (freshness.outdated(dataset),) if note)
    tables = tuple(_table(table, dataset, each, here, found, notes) for each in wanted)
    return Filled(tables, tuple(one.lacking for one in found if one.lacking))


def _find(row: rows.PaperRow, document: Json, dataset: str, here: Measured) -> _Found:
    """A row's figures: in the workspace, else in an experiment that is not stale."""
    if row.reads is None:
        return _Found(row, None, "measured by the paper alone")
    recipe = document["datasets"][dataset]
    captioner = recipe.get("caption", {}).get("captioner", "no captions made")
    if row.captioner not in (None, captioner):
        return _Found(row, None, f"not for this recipe: takes {row.captioner}, not {captioner}")
    for path in row.overrides:
        if lookup(recipe, path) is ABSENT:
            return _Found(row, None, f"not for this recipe: params.yaml has no {path}")
    held = all(_same(lookup(recipe, path), value) for path, value in row.overrides.items())
    if held and row.reads in here.results.rows:
        return _Found(row, here)
    model = row.reads if row.reads in document["models"] else rows.LLMVS
    if not row.overrides and row.reads not in document["models"]:
        return _Found(row, None, "not for this recipe: evaluate has no such row")
    settings = [f"datasets.{dataset}.{path}={spelled(to)}" for path, to in row.overrides.items()]
    settings += [f"run.datasets=[{dataset}]", f"run.models=[{model}]"]
    return _experiment(row, dataset, model, tuple(settings))


def _experiment(row: rows.PaperRow, dataset: str, model: str, settings: tuple[str, ...]) -> _Found:
    """The newest experiment of the row's name that still counts, or the one to be run."""
    base = f"{dataset}-{row.name}"
    why, taken = "not measured", set()
    for experiment in experiments():
        if not re.fullmatch(rf"{re.escape(base)}(\.\d+)?", experiment.name):
            continue
        taken.add(experiment.name)
        reason = freshness.stale(experiment, dataset, model, row.overrides)
        if reason is None:
            return _Found(row, measured.read(experiment, dataset))
        why = f"not measured as things are ({experiment.name}: {reason})"
    # A name is free where no experiment bears it, so that none is ever written over.
    numbered = (f"{base}.{number}" for number in range(2, len(taken) + 3))
    name = next(each for each in (base, *numbered) if each not in taken)
    return _Found(row, None, why, Experiment(name, row.name, dataset, settings))


def _same(held: Any, value: Any) -> bool:
    return bool(held == (list(value) if isinstance(value, tuple) else value))


def _table(
    table: str,
    dataset: str,
    protocol: str,
    here: Measured,
    found: list[_Found],
    notes: tuple[str, ...],
) -> Table:
    benchmark = here.results.benchmark
    shown = [benchmark] if benchmark else list(rows.DATASETS)
    benchmarks = tuple(name for name in shown if any(one.row.on(name) for one in found))
    of = here.results.protocols[protocol]
    reference = rows.LLMVS if rows.LLMVS in of.rows else next(iter(of.rows))
    lines = tuple(_lines(protocol, here, reference, found, benchmarks))
    return Table(
        table=table,
        dataset=dataset,
        title=here.results.title,
        benchmark=benchmark,
        simulated=here.results.simulated,
        protocol=protocol,
        videos=of.videos,
        confidence=here.results.confidence,
        reference=of.rows[reference].title,
        benchmarks=benchmarks,
        lines=_corrected(lines),
        notes=notes,
    )


def _lines(
    protocol: str,
    here: Measured,
    reference: str,
    found: list[_Found],
    benchmarks: tuple[str, ...],
) -> Iterator[Line]:
    against = here.videos[protocol][reference]
    for one in found:
        row, at = one.row, one.at
        theirs = tuple(row.on(name) for name in benchmarks)
        as_measured = at.row(protocol, row.reads) if at and row.reads else None
        if at is None or as_measured is None or row.reads is None:
            why, applies = one.why or "not measured", one.lacking is not None
            yield Line(row.name, row.title, None, why, applies, None, theirs)
            continue
        cells = {}
        for mark in SHOWN:
            figure = as_measured.figure(mark)
            is_reference = at is here and row.reads == reference
            videos = at.videos[protocol][row.reads]
            p = (
                None
                if is_reference
                else measured.difference(videos, against, mark, at.results.confidence).p
            )
            cells[mark] = Cell(
                mean=figure.mean,
                low=figure.low,
                high=figure.high,
                spread=figure.spread,
                fold_spread=figure.fold_spread,
                p=p,
            )
        title = as_measured.title if not row.overrides else row.title
        source = at.revision.name
        if at is here and row.overrides:
            title += f" (= {rows.LLMVS} here)" if row.reads == rows.LLMVS else ""
        yield Line(row.name, title, cells, None, True, source, theirs)


def _corrected(lines: tuple[Line, ...]) -> tuple[Line, ...]:
    """Holm's correction over the lines that were tested, each mark by itself."""
    by_mark = {
        mark: holm(
            {
                line.name: line.cells[mark].p or 0.0
                for line in lines
                if line.cells and line.cells[mark].p is not None
            }
        )
        for mark in SHOWN
    }
    return tuple(
        line
        if line.cells is None
        else replace(
            line,
            cells={
                mark: replace(cell, holm=by_mark[mark].get(line.name))
                for mark, cell in line.cells.items()
            },
        )
        for line in lines
    )

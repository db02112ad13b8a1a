"""A table of the paper, filled from what has been measured: the workspace, its experiments, and
those that are kept in the repository.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from stages import rows
from stages.artifacts.results import Results
from stages.artifacts.row import Row
from stages.errors import UserError
from stages.experiments import freshness, kept, measured
from stages.experiments.measured import Measured
from stages.experiments.overrides import lookup, spelled
from stages.experiments.revisions import HERE, Revision, experiments
from stages.experiments.table import SHOWN, Cell, Experiment, Line, Table
from stages.experiments.workspace import Workspace, not_for
from stages.metrics.paired import holm
from stages.metrics.tables import floor_said

Json = dict[str, Any]


@dataclass(frozen=True)
class Filled:
    """A table under each protocol asked for, and what would complete it.

    outdated: why what the workspace measured is not of its params or code; None where it is.
    experiments: those of DVC that it took rows from, each with the model that it trained.
    """

    tables: tuple[Table, ...]
    outdated: str | None
    missing: tuple[Experiment, ...]
    experiments: tuple[tuple[Revision, str], ...]


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
    params = HERE.document("params.yaml")
    for section in ("datasets", "models", "run"):
        if not isinstance(params.get(section), dict):
            raise UserError(f"params.yaml: has no {section}; `llmvs check` says what is missing")
    if dataset not in params["datasets"]:
        raise UserError(
            f"params.yaml: no dataset {dataset!r} (has {', '.join(sorted(params['datasets']))})"
        )
    workspace = Workspace(
        dataset, params, measured.read(HERE, dataset), freshness.outdated(dataset)
    )
    protocols = list(workspace.here.results.protocols)
    if protocol != "all" and protocol not in protocols:
        raise UserError(
            f"reports/results/{dataset}/results.json: has the protocols {', '.join(protocols)}, "
            f"not {protocol}; name it in datasets.{dataset}.splits.protocols and run `dvc repro`"
        )
    measured_here = [*workspace.here.results.rows, *workspace.here.results.left_out]
    found = [_find(row, workspace) for row in rows.of_table(table, measured_here)]
    wanted = protocols if protocol == "all" else [protocol]
    tables = tuple(_table(table, each, workspace, found) for each in wanted)
    return Filled(
        tables,
        workspace.outdated,
        missing=tuple(one.lacking for one in found if one.lacking),
        experiments=tuple(
            (one.at.revision, _trained(one.row, workspace))
            for one in found
            if one.at and one.at.revision.commit
        ),
    )


def _find(row: rows.PaperRow, workspace: Workspace) -> _Found:
    """A row's figures: in the workspace, else in an experiment that is not stale."""
    why = not_for(row, workspace)
    if why is not None:
        return _Found(row, None, why)
    left_out = workspace.here.results.left_out.get(row.reads or "")
    if left_out is not None and not row.overrides:
        return _Found(row, None, left_out.why)
    held = all(_same(lookup(workspace.recipe, path), to) for path, to in row.overrides.items())
    if workspace.outdated and row.overrides:  # what it holds is not what was measured
        held = False
    if held and row.reads in workspace.here.results.rows:
        return _Found(row, workspace.here)
    return _experiment(row, workspace)


def _experiment(row: rows.PaperRow, workspace: Workspace) -> _Found:
    """The newest experiment of the row's name that still counts, or the one to be run."""
    dataset, model = workspace.dataset, _trained(row, workspace)
    base = f"{dataset}-{row.name}"
    why, taken = None, set()
    for experiment in (*experiments(), *kept.every()):
        if not re.fullmatch(rf"{re.escape(base)}(\.\d+)?", experiment.name):
            continue
        taken.add(experiment.name)
        reason = freshness.stale(experiment, dataset, model, row.overrides)
        if reason is None:
            return _Found(row, measured.read(experiment, dataset))
        if why is None:  # the newest
            why = f"not measured as things are ({experiment.name}: {reason})"
    # A name is free where no experiment bears it, so that none is ever written over.
    numbered = (f"{base}.{number}" for number in range(2, len(taken) + 3))
    name = next(each for each in (base, *numbered) if each not in taken)
    settings = [f"datasets.{dataset}.{path}={spelled(to)}" for path, to in row.overrides.items()]
    if (workspace.recipe.get("finetune") or {}).get("rows"):  # an experiment is of one row
        settings.append(f"datasets.{dataset}.finetune.rows=[]")
    settings += [f"run.datasets=[{dataset}]", f"run.models=[{model}]"]
    lacking = Experiment(name, row.name, dataset, tuple(settings), model, row.overrides)
    return _Found(row, None, why or "not measured", lacking)


def _trained(row: rows.PaperRow, workspace: Workspace) -> str:
    """The entry of params.yaml that an experiment of a row trains."""
    reads = row.reads or rows.LLMVS
    return reads if reads in workspace.params["models"] else rows.LLMVS


def _same(held: Any, value: Any) -> bool:
    return bool(held == (list(value) if isinstance(value, tuple) else value))


def _table(table: str, protocol: str, workspace: Workspace, found: Sequence[_Found]) -> Table:
    results = workspace.here.results
    shown = [results.benchmark] if results.benchmark else list(rows.DATASETS)
    benchmarks = tuple(name for name in shown if any(one.row.on(name) for one in found))
    of = results.protocols[protocol]
    reference = rows.LLMVS if rows.LLMVS in of.rows else next(iter(of.rows))
    against = _Reference(workspace.here, protocol, reference)
    lines = tuple(_line(one, against, benchmarks) for one in found)
    return Table(
        table=table,
        dataset=workspace.dataset,
        title=results.title,
        benchmark=results.benchmark,
        simulated=results.simulated,
        protocol=protocol,
        videos=of.videos,
        confidence=results.confidence,
        reference=of.rows[reference].title,
        benchmarks=benchmarks,
        lines=_corrected(lines),
        notes=_notes(results, protocol, workspace, found),
    )


def _notes(
    results: Results, protocol: str, workspace: Workspace, found: Sequence[_Found]
) -> tuple[str, ...]:
    of = results.protocols[protocol]
    floor = floor_said(results.benchmark or results.title, of.rows) if of.floor else None
    held = [one.row.title for one in found if one.at and isinstance(one.at.revision, kept.Kept)]
    of_kept = (
        f"{', '.join(held)}: as measured when kept in {kept.FOLDER}; params and data are those of "
        "here, the code is not compared"
    )
    return tuple(note for note in (floor, workspace.outdated, held and of_kept) if note)


@dataclass(frozen=True)
class _Reference:
    """The row of the workspace that others are tested against, under one protocol."""

    here: Measured
    protocol: str
    name: str

    def p(self, at: Measured, row: str, mark: str) -> float | None:
        """The p-value of a row's mark against the reference's; None for the reference itself."""
        if at is self.here and row == self.name:
            return None
        videos = at.videos[self.protocol][row]
        against = self.here.videos[self.protocol][self.name]
        return measured.difference(videos, against, mark, at.results.confidence).p


def _line(one: _Found, reference: _Reference, benchmarks: Sequence[str]) -> Line:
    """A row's line of the table: its figures, or why there are none."""
    row, at = one.row, one.at
    theirs = tuple(row.on(name) for name in benchmarks)
    as_measured = at.row(reference.protocol, row.reads) if at and row.reads else None
    if at is None or as_measured is None or row.reads is None:
        elsewhere = _elsewhere(at, row.reads)
        title = elsewhere[1].title if elsewhere and not row.overrides else row.title
        why = f"measured under {elsewhere[0]} alone" if elsewhere else one.why or "not measured"
        return Line(row.name, title, None, why, one.lacking is not None, None, theirs)
    cells = {}
    for mark in SHOWN:
        figure = as_measured.figure(mark)
        cells[mark] = Cell(
            mean=figure.mean,
            low=figure.low,
            high=figure.high,
            spread=figure.spread,
            fold_spread=figure.fold_spread,
            p=reference.p(at, row.reads, mark),
        )
    title = row.title if row.overrides else as_measured.title
    if row.overrides and at is reference.here and row.reads == rows.LLMVS:
        title += f" (= {rows.LLMVS} here)"
    return Line(row.name, title, cells, None, True, at.revision.name, theirs)


def _elsewhere(at: Measured | None, name: str | None) -> tuple[str, Row] | None:
    """The protocol under which a row was measured, and the row; None where it was under none."""
    for protocol, of in at.results.protocols.items() if at else ():
        if name in of.rows:
            return protocol, of.rows[name]
    return None


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

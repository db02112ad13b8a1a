"""`llmvs table` and `llmvs compare`: rows of the paper's tables, experiments side by side."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from stages import command
from stages.errors import UserError


class Name(StrEnum):
    """The tables, as `stages.rows.TABLES` has them."""

    MAIN = "main"
    EMBEDDING = "embedding"
    ABLATION = "ablation"
    WINDOW = "window"
    WIDTH = "width"


class Protocols(StrEnum):
    STRICT = "strict"
    OFFICIAL = "official"
    FIXED = "fixed"
    ALL = "all"


class Form(StrEnum):
    TEXT = "text"
    MARKDOWN = "markdown"
    LATEX = "latex"


def table(
    name: Annotated[Name, typer.Argument(help="which of the paper's tables")],
    dataset: Annotated[str, typer.Option(help="an entry of params.yaml: datasets")] = "demo",
    protocol: Annotated[Protocols, typer.Option(help="one table, or one each")] = Protocols.ALL,
    form: Annotated[Form, typer.Option("--format", help="how it is printed")] = Form.TEXT,
    run: Annotated[bool, typer.Option("--run", help="First measure what is missing.")] = False,
    jobs: Annotated[int, typer.Option("-j", "--jobs", min=1, help="workers for --run")] = 1,
    keep: Annotated[
        bool, typer.Option("--keep", help="Put what experiments measured where git keeps it.")
    ] = False,
) -> None:
    """Print one of the paper's tables from what has been measured here.

    Models and baselines come from the workspace's last run; rows that change captions, prompt,
    embeddings or width from DVC experiments, which --run queues where they are missing: each trains
    llmvs alone and leaves the workspace as it is. An experiment whose other params, code or data
    differ from the workspace's does not count.

    An experiment is known where it was run, and in no clone. --keep copies the tables and scores
    of those shown into reports/experiments, a folder each: committed, they fill the table
    anywhere, and `llmvs rejudge DATASET --results FOLDER` makes their figures anew.
    """
    from stages.experiments import formats, kept, lineup, overrides, queue

    filled = lineup.fill(name.value, dataset, protocol.value)
    if run and filled.missing:
        if filled.outdated:  # rows would be tested against a llmvs of other params
            raise UserError(f"reports/results/{dataset}: {filled.outdated}, then --run")
        for experiment in filled.missing:
            overrides.set_over(experiment.settings)
        with command.stderr.status("queueing") as status:
            queue.measure(filled.missing, jobs, command.stderr.print, status.update)
        filled = lineup.fill(name.value, dataset, protocol.value)
    if keep:
        for ran, model in filled.experiments:
            command.stderr.print(f"kept: {kept.keep(ran, dataset, model)}")
    typer.echo(formats.drawn(filled, form.value))


def compare(
    names: Annotated[
        list[str], typer.Argument(help="experiments, commits, `workspace`; the first is the base")
    ],
    dataset: Annotated[str, typer.Option(help="an entry of params.yaml: datasets")] = "demo",
    row: Annotated[str, typer.Option(help="the trained row to compare")] = "llmvs",
    out: Annotated[Path, typer.Option(help="the page to write")] = Path("reports/compare.html"),
) -> None:
    """Set experiments against each other: figures here, and one page of which videos moved and why.

    Paired by video. Everything is read from commits and DVC's cache; the workspace stays as it is.
    """
    from stages.pages.comparison import comparison_page, contestants, figures
    from stages.work.files import replacing

    with command.stderr.status("reading"):
        sides = contestants.read(names, dataset, row)
        made = comparison_page.build(sides, dataset)
    with replacing(out) as temporary:
        temporary.write_text(made, encoding="utf-8")
    console = Console()
    for table in figures.tables(sides, dataset):
        console.print(table)
    typer.echo(out)

"""`llmvs check`: what can be found wrong before anything expensive is done."""

from pathlib import Path
from typing import Annotated

import typer

from stages import command


def check(
    datasets: Annotated[
        list[str] | None, typer.Argument(help="entries of params.yaml: datasets [run.datasets]")
    ] = None,
    data: Annotated[Path, typer.Option(help="folder of what the stages made")] = Path("data"),
) -> None:
    """Check recipes before the first expensive stage: nothing is fetched, no weights are read.

    params.yaml as a whole; whether every scorer can be fed; annotations against the field's h5, and
    what is given against the timeline; splits; prompts against the LLM's context; memory and disk.
    What is known only after download is said to be so. Ends with 1 where there is a problem.
    """
    from stages import params
    from stages.checking import table
    from stages.work.store import Store

    settings = params.load()
    work = Store.default().root / "downloads"
    found = {
        name: list(table.findings(settings, name, params.recipe(name), data, work))
        for name in datasets or settings.run.datasets
    }
    command.stderr.print(table.table(found), soft_wrap=False)
    if any(one.state == "problem" for each in found.values() for one in each):
        raise SystemExit(1)

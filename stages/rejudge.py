"""`llmvs rejudge`: evaluate's tables made anew from its saved scores and people's annotations."""

from pathlib import Path
from typing import Annotated

import typer


def rejudge(
    dataset: Annotated[str, typer.Argument(help="an entry of params.yaml: datasets")],
    people: Annotated[
        Path | None,
        typer.Option(help="SumMe's folder GT, ydata-tvsum50.mat, or an h5 of the field's schema"),
    ] = None,
    results: Annotated[
        Path | None,
        typer.Option(help="evaluate's folder of the dataset, reports/results/DATASET by default"),
    ] = None,
    data: Annotated[Path, typer.Option(help="folder of what the stages made")] = Path("data"),
) -> None:
    """Make every table anew from saved scores and annotations, and hold evaluate's to them.

    scores.h5 beside evaluate's tables holds what every row scored. No model, no embedding and no
    training is needed: each figure, interval and p of results.json and per_video.csv is computed
    again by evaluate's own code, and one that differs is named and ends the command with an error.
    What rests on learning curves is left aside. Beside the tables stands, of SumMe and TVSum, what
    the release's test script would print of these scores, which is of a fifth of the test videos.
    People come from --people, which needs no stage to have run, else from the stages' outputs or
    the recipe's download.source.
    """
    from rich.console import Console

    from stages import rejudging
    from stages.metrics import logged, tables

    folder = results or Path("reports/results") / dataset
    measured = rejudging.measure(dataset, folder, people=people, data=data)
    console = Console()
    printed = logged.table(measured)
    for table in (*tables.tables(measured.results), *([] if printed is None else [printed])):
        console.print(table, soft_wrap=False)
    found = rejudging.compare(measured, folder)
    console.print(found.said, soft_wrap=True)
    found.refuse_differences()

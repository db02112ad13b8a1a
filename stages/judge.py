"""`llmvs judge`: anyone's scores against people, without any training or model."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Form(StrEnum):
    TEXT = "text"
    JSON = "json"


def judge(
    scores: Annotated[
        Path, typer.Argument(help="JSON, .csv or .h5 of scores of the picked frames")
    ],
    dataset: Annotated[str, typer.Option(help="an entry of params.yaml: datasets")],
    name: Annotated[str | None, typer.Option(help="of the method; the file's by default")] = None,
    people: Annotated[
        Path | None,
        typer.Option(help="SumMe's folder GT, ydata-tvsum50.mat, or an h5 of the field's schema"),
    ] = None,
    against: Annotated[
        str | None, typer.Option(help="a row that evaluate saved, such as llmvs, to test against")
    ] = None,
    partial: Annotated[
        bool, typer.Option("--partial", help="Judge the videos that there are scores of.")
    ] = False,
    every_frame: Annotated[
        bool, typer.Option("--every-frame", help="Scores are of every frame, not of the picks.")
    ] = False,
    form: Annotated[Form, typer.Option("--format", help="how it is printed")] = Form.TEXT,
    data: Annotated[Path, typer.Option(help="folder of what the stages made")] = Path("data"),
    results: Annotated[Path, typer.Option(help="folder of what evaluate made")] = Path(
        "reports/results"
    ),
) -> None:
    """Judge anyone's scores: tau, rho and F1 with intervals, beside what constant scores earn.

    A file is JSON, a list of scores for each video's name or picks and scores in an object; a CSV
    with the columns video,pick,score; or an h5 of video_1/scores. Videos go by video_N, YouTube id
    or SumMe's names. People come from --people, which needs no stage to have run, else from the
    stages' outputs or the recipe's download.source.
    """
    import json

    from rich.console import Console

    from stages import judging
    from stages.metrics import judged_table

    verdict = judging.judge(
        scores,
        dataset,
        name=name,
        people=people,
        against=None if against is None else results / dataset,
        row=against,
        partial=partial,
        every_frame=every_frame,
        data=data,
    )
    if form is Form.JSON:
        typer.echo(json.dumps(verdict.document, indent=2, ensure_ascii=False, allow_nan=False))
    else:
        Console(emoji=False).print(judged_table.table(verdict.document, verdict.notes))

"""The `llmvs` command: every stage, and the commands beside them.

Stages are imported only when they are called, so that `llmvs --help` answers at once.
"""

import importlib
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from stages import (
    ahead,
    benchmarks,
    checks,
    command,
    comparisons,
    heads,
    housekeeping,
    judge,
    rejudge,
    summarise,
    trials,
)
from stages.errors import UserError

STAGES = {
    "download": "People's judgement, and videos where they are given.",
    "sample": "Every 15th frame, image features, shots.",
    "given": "Captions, embeddings or scores that are given.",
    "caption": "One sentence a frame.",
    "embed": "The frozen LLM's query and answer embeddings.",
    "sentences": "A text model's vector of each caption.",
    "features": "What others made of the frames.",
    "feeds": "What each scorer is fed here, and what it lacks.",
    "train": "A scorer, fold by fold.",
    "finetune": "The LLM, or the captioner, told people's scores.",
    "score": "Films of one's own, by a scorer that is trained already.",
    "evaluate": "Scores against people: tau, rho, F1.",
    "skim": "Films of one's own, cut down to their best shots.",
    "report": "One page with everything.",
}
"""The DAG in order; a stage is `stages/NAME.py` with a function NAME."""


class _Stage(TyperCommand):
    """A stage by name; its module is imported when it is called or asked for its own help."""

    def make_context(self, info_name: Any, args: Any, parent: Any = None, **extra: Any) -> Any:
        assert self.name is not None
        function = getattr(importlib.import_module(f"stages.{self.name}"), self.name)
        app = typer.Typer(add_completion=False)
        app.command(self.name)(command.staged(function))
        # The record of a run holds the command of the stage's own module, and its arguments are
        # these, without the name that comes first here.
        sys.argv[1:] = args
        return get_command(app).make_context(info_name, args, parent, **extra)


class _Group(TyperGroup):
    """Lists the stages in the order of the DAG, then the other commands."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [*STAGES, *super().list_commands(ctx)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in STAGES:
            return super().get_command(ctx, cmd_name)
        return _Stage(name=cmd_name, help=STAGES[cmd_name])


app = typer.Typer(
    cls=_Group,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="LLMVS, reproduced: video summarization with large language models. "
    "`dvc repro` runs the stages in order; each is a command of its own here.",
)


app.add_typer(benchmarks.app, name="bench")
app.add_typer(trials.app, name="trial")
app.add_typer(heads.app, name="head")
app.command()(comparisons.table)
app.command()(comparisons.compare)
app.command()(summarise.summarise)
app.command()(judge.judge)
app.command()(rejudge.rejudge)
app.command()(checks.check)
app.command()(checks.doctor)
app.command()(checks.weights)
app.command()(checks.plan)
app.command()(housekeeping.gc)
app.command()(ahead.run)


class Published(StrEnum):
    """The datasets whose published files are read as they are."""

    SUMME = "summe"
    TVSUM = "tvsum"


@app.command()
def deps(
    write: Annotated[bool, typer.Option("--write", help="Bring them in line.")] = False,
) -> None:
    """Compare dvc.yaml and data/dvc.yaml with the code each stage imports, and with the recipes of
    params.yaml that have the stage.
    """
    from stages import dependencies

    if write:
        dependencies.write()
    found = dependencies.differences()
    for stage, difference in found.items():
        for path in difference.missing:
            command.stderr.print(f"{stage}: deps misses {path}")
        for path in difference.idle:
            command.stderr.print(f"{stage}: deps lists {path}, which it does not use")
        if difference.recipes is not None:
            command.stderr.print(f"{stage}: should be for {', '.join(difference.recipes) or '-'}")
    if found:
        raise UserError("dvc.yaml or data/dvc.yaml is out of line: llmvs deps --write")


exports = typer.Typer(no_args_is_help=True, help="A dataset in the form that others read.")
app.add_typer(exports, name="export")


@exports.command("h5")
def export_h5(
    dataset: Annotated[str, typer.Argument(help="an entry of params.yaml: datasets")],
    out: Annotated[Path, typer.Argument(help="HDF5 file to write")],
    data: Annotated[Path, typer.Option(help="folder of what the stages made")] = Path("data"),
) -> None:
    """Write a dataset's timeline and people in the field's schema, for PGL-SUM, CSTA or DSNet.

    Groups video_1, … with video_name, n_frames, n_steps, picks, gtscore, user_summary,
    change_points, n_frame_per_seg; user_scores beside them, where people gave scores.
    """
    from stages.export import field_h5

    field_h5(data / dataset, out)
    command.stderr.print(f"{out}: {dataset} in the field's schema")


@app.command()
def people(
    source: Annotated[Path, typer.Argument(help="ydata-tvsum50.mat or its folder, or SumMe's GT")],
    kind: Annotated[Published, typer.Option(help="which dataset it is")],
    shots: Annotated[
        Path | None, typer.Option(help="shot_TVSum.mat, or an h5 of the field's; for F1")
    ] = None,
) -> None:
    """What people earn against each other, from annotations alone: no videos, no models."""
    from rich.console import Console

    from stages.people import measure

    Console().print(measure(kind.value, source, shots))


@app.command("evaluate-release")
def evaluate_release(
    checkpoint: Annotated[Path, typer.Argument(help="as its authors release it")],
    annotations: Annotated[Path, typer.Option(help="people's, in the field's schema")],
    kind: Annotated[
        str, typer.Option(help="of its scorer, as in params.yaml; summe or tvsum: see --dataset")
    ] = "global-attention",
    dataset: Annotated[
        Published | None, typer.Option(help="whose rules apply; --kind may name it for LLMVS's own")
    ] = None,
    query: Annotated[Path | None, typer.Option(help="LLMVS's user_prompt_pool.h5")] = None,
    answer: Annotated[Path | None, typer.Option(help="LLMVS's gen_pool.h5")] = None,
    pool5: Annotated[
        Path | None, typer.Option(help="an h5 of the field's with features; the annotations")
    ] = None,
    i3d_rgb: Annotated[Path | None, typer.Option(help="a file or folder of MSVA's")] = None,
    i3d_flow: Annotated[Path | None, typer.Option(help="a file or folder of MSVA's")] = None,
    clip: Annotated[Path | None, typer.Option(help="CLIP's features of the frames")] = None,
    sentence: Annotated[Path | None, typer.Option(help="vectors of the frames' captions")] = None,
    timeline: Annotated[
        Path | None, typer.Option(help="shots, where annotations bring none (data/D/timeline.h5)")
    ] = None,
    scores: Annotated[
        Path | None, typer.Option(help="ydata-tvsum50.mat, where annotations bring no scores")
    ] = None,
    videos: Annotated[str | None, typer.Option(help="video_1,video_2 alone")] = None,
    split: Annotated[
        int | None, typer.Option(help="test videos of this split of LLMVS's, 0 to 4, alone")
    ] = None,
) -> None:
    """Mark authors' own checkpoints on what they are fed by this project's measure."""
    from rich.console import Console

    from stages.evaluate_release import evaluate_release, released
    from stages.scorers.entry import Input

    if dataset is None and kind in list(Published):
        dataset, kind = Published(kind), "global-attention"
    if dataset is None:
        raise UserError("whose rules apply is not said; name --dataset summe or tvsum")
    files: dict[Input, Path | None] = {
        **{"query": query, "answer": answer, "pool5": pool5 or annotations, "i3d-rgb": i3d_rgb},
        **{"i3d-flow": i3d_flow, "clip": clip, "sentence": sentence},
    }
    table = evaluate_release(
        released(kind, checkpoint, {name: at for name, at in files.items() if at is not None}),
        annotations,
        dataset.value,
        timeline=timeline,
        scores=scores,
        only=None if videos is None else videos.split(","),
        split=split,
    )
    Console().print(table)


def main() -> Any:
    """Entry point of the console script."""
    command.set_up_logging()
    command.unwound()
    with command.reported():
        return app()


if __name__ == "__main__":
    main()

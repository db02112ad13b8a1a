"""evaluate: scores against people."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from stages import command, params
from stages.errors import UserError
from stages.metrics import inputs, leaderboard, results
from stages.metrics.leaderboard import Row
from stages.metrics.panel import Panel, Rules
from stages.metrics.predictions import Predictions
from stages.metrics.predictions import read as read_predictions
from stages.work.executor import progress

Watched = Callable[[str], Iterable[Panel]]


def evaluate(
    dataset: Annotated[str, typer.Option(help="an entry of params.yaml: datasets")],
    annotations: Annotated[Path, typer.Option(help="people's annotations (from download)")],
    frames: Annotated[Path, typer.Option(help="picks and shots (from sample)")],
    embeddings: Annotated[Path, typer.Option(help="the LLM's own scores (from embed)")],
    predictions: Annotated[Path, typer.Option(help="folder of M.h5, one a model (from train)")],
    curves: Annotated[Path, typer.Option(help="folder of M.csv, one a model (from train)")],
    out: Annotated[Path, typer.Option(help="folder to write the tables to")],
) -> None:
    """Measure how well scores agree with people's: Kendall's τ-b, Spearman's ρ, keyshot F1.

    Rows: every model of run.models, the LLM's own score without training, people against each
    other, people's mean as if it were a prediction (the ceiling), and random scores. A figure is
    the mean over users, then the test videos of a split, then splits, then seeds. Its interval
    resamples videos; its spread is the standard deviation over seeds.

    Writes metrics.json (means, for `dvc metrics`), results.json (everything, for the report),
    per_video.csv, curves.csv (every model's learning curves) and learning.csv (the first model's,
    averaged over seeds and splits, for `dvc plots`), and prints the table.
    """
    recipe, everything = params.recipe(dataset), params.load()
    settings = recipe.evaluate
    models = {name: everything.models[name].title for name in everything.run.models}
    rules = Rules(settings.agreement, settings.f1, settings.budget)

    people = inputs.read_people(annotations, frames, rules)
    lengths = {name: len(panel.picks) for name, panel in people.panels.items()}
    trained = {name: read_predictions(predictions / f"{name}.h5", lengths) for name in models}
    protocol, splits = _shared_splits(predictions, trained)
    learning = {name: results.read_curves(curves / f"{name}.csv") for name in models}
    panels = [people.panels[name] for name in leaderboard.video_weights(splits)]
    replies = inputs.read_replies(embeddings, {panel.name: lengths[panel.name] for panel in panels})

    with _watching(panels, rows=len(models) + 4) as watched:
        rows: dict[str, Row] = {
            name: leaderboard.model_row(title, trained[name], watched(name))
            for name, title in models.items()
        }
        rows["zero-shot"] = leaderboard.zero_shot_row(replies.scores, watched("zero-shot"))
        rows["human"] = leaderboard.human_row(watched("human"))
        rows["oracle"] = leaderboard.oracle_row(watched("oracle"))
        rows["random"] = leaderboard.random_row(settings.random_seeds, watched("random"))

    document = {
        "dataset": dataset,
        "title": recipe.title,
        "simulated": people.simulated or recipe.simulated,
        "protocol": protocol,
        "videos": len(panels),
        "confidence": settings.confidence,
        "llm": {"replies": replies.replies, "unparsed": replies.unparsed},
        "flags": results.flags(rows, replies, people.segmented, len(people.panels)),
        "rows": results.rows_document(
            rows, splits, confidence=settings.confidence, resamples=settings.bootstrap
        ),
    }
    results.write_json(out / "results.json", document)
    results.write_json(out / "metrics.json", results.metrics_document(document))
    results.write_per_video(out / "per_video.csv", rows, splits)
    results.write_curves(out / "curves.csv", learning)
    results.write_learning(out / "learning.csv", *next(iter(learning.items())))
    command.stderr.print(results.table(document), soft_wrap=False)


def _shared_splits(
    folder: Path, trained: Mapping[str, Predictions]
) -> tuple[str, tuple[tuple[str, ...], ...]]:
    """The protocol and test splits, which every model must share for rows to compare."""
    (first, reference), *others = trained.items()
    for name, other in others:
        if (other.protocol, other.splits) != (reference.protocol, reference.splits):
            raise UserError(
                f"{folder / name}.h5 and {folder / first}.h5 differ in protocol or test splits, "
                "so their rows cannot be compared; run the train stage again for both"
            )
    return reference.protocol, reference.splits


@contextmanager
def _watching(panels: Sequence[Panel], rows: int) -> Iterator[Watched]:
    """A function that gives the videos out for one row, under a progress bar over all rows."""
    with progress(command.stderr) as bar:
        task = bar.add_task("judging", total=rows * len(panels))

        def watched(row: str) -> Iterator[Panel]:
            bar.update(task, description=f"judging {row}")
            for panel in panels:
                yield panel
                bar.advance(task)

        yield watched


if __name__ == "__main__":
    command.run(evaluate)

"""train: global attention learns people's scores from the LLM's embeddings."""

import logging
from pathlib import Path
from typing import Annotated

import typer

from stages import command, params
from stages.artifacts import field as people
from stages.metrics.inputs import read_people
from stages.metrics.panel import Rules
from stages.scorers import checkpoints
from stages.splits.folds import Protocol, Split, splits
from stages.training import fitting as training
from stages.training import records
from stages.training.crossvalidation import cross_validate
from stages.training.held_out import Judge
from stages.training.inputs import BySplit
from stages.work.executor import progress

log = logging.getLogger("llmvs")


def train(
    dataset: Annotated[str, typer.Option(help="an entry of params.yaml: datasets")],
    model: Annotated[str, typer.Option(help="an entry of params.yaml: models")],
    embeddings: Annotated[Path, typer.Option(help="the LLM's embeddings (from embed)")],
    annotations: Annotated[Path, typer.Option(help="people's annotations (from download)")],
    frames: Annotated[Path, typer.Option(help="picks and shots (from sample)")],
    predictions: Annotated[Path, typer.Option(help="HDF5 file of test scores to write")],
    checkpoints_folder: Annotated[
        Path, typer.Option("--checkpoints", help="folder to write a model a split and seed to")
    ],
    curves: Annotated[Path, typer.Option(help="CSV file of learning curves to write")],
) -> None:
    """Train one row of the comparison, and score the videos it did not see.

    For every protocol, seed and split, a model learns from the split's training videos to give
    each frame the score people gave it (gtscore, mean squared error), and scores the test videos.

    official: overlapping splits; the test videos are judged every half epoch, and the weights of
    the best mean Kendall's τ are kept, which makes the figures optimistic.
    strict: every video is tested once, by the last epoch's weights; with train.validation, by the
    weights that do best on that share of the training videos.
    """
    recipe = params.recipe(dataset)
    settings, row = recipe.train, params.model(model)
    annotated = people.read(annotations)
    videos = BySplit(embeddings, annotated, row.inputs)
    names = [video.name for video in annotated.videos]
    planned: dict[Protocol, list[Split]] = {
        protocol: splits(protocol, settings.splits, names, settings.folds)
        for protocol in settings.protocols
    }
    judges: dict[str, Judge] = {}
    if "official" in planned or settings.validation:
        rules = Rules(recipe.evaluate.agreement, recipe.evaluate.f1, recipe.evaluate.budget)
        panels = read_people(annotations, frames, rules).panels
        judges = {name: panel.agreement for name, panel in panels.items()}
    where = training.device()
    log.info(
        "training %s on %s: %d videos, protocols %s, %d splits, %d seeds, %d epochs",
        *(model, where, len(names), " and ".join(planned)),
        *(settings.folds, len(settings.seeds), settings.epochs),
    )

    runs = []
    total = len(settings.seeds) * sum(map(len, planned.values()))
    with progress(command.stderr) as bar:
        task = bar.add_task("protocols × seeds × splits", total=total)
        for run, trained in cross_validate(
            videos, planned, judges, settings, row.attention, where, lambda: bar.advance(task)
        ):
            runs.append(run)
            checkpoints.save(checkpoints_folder / f"{run.place}.safetensors", trained)
    records.write_predictions(predictions, runs)
    records.write_curves(curves, runs)


if __name__ == "__main__":
    command.run(train)

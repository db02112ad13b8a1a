"""train: global attention learns people's scores from the LLM's embeddings."""

import logging
from pathlib import Path
from typing import Annotated

import typer

from stages import command, params
from stages.datasets import annotations as people
from stages.datasets.splits import strict
from stages.model import checkpoints, records, training
from stages.model import embeddings as llm_embeddings
from stages.model.crossvalidation import cross_validate
from stages.work.executor import progress

log = logging.getLogger("llmvs")


def train(
    dataset: Annotated[str, typer.Option(help="an entry of params.yaml: datasets")],
    model: Annotated[str, typer.Option(help="an entry of params.yaml: models")],
    embeddings: Annotated[Path, typer.Option(help="the LLM's embeddings (from embed)")],
    annotations: Annotated[Path, typer.Option(help="people's annotations (from download)")],
    predictions: Annotated[Path, typer.Option(help="HDF5 file of test scores to write")],
    checkpoints_folder: Annotated[
        Path, typer.Option("--checkpoints", help="folder to write a model a split and seed to")
    ],
    curves: Annotated[Path, typer.Option(help="CSV file of learning curves to write")],
) -> None:
    """Train one row of the comparison, and score the videos it did not see.

    For every seed and every fold, a model learns from the other folds' videos to give each frame
    the score people gave it (gtscore, mean squared error), and then scores its own fold's. The
    last epoch counts; test losses in the curves are for looking at, and choose nothing.
    """
    settings = params.recipe(dataset).train
    row = params.model(model)
    annotated = people.read(annotations)
    videos = {v.name: v for v in llm_embeddings.read(embeddings, annotated, row.inputs)}
    splits = strict(list(videos), settings.folds)
    where = training.device()
    log.info(
        "training %s on %s: %d videos, %d folds, %d seeds, %d epochs",
        *(model, where, len(videos), len(splits), len(settings.seeds), settings.epochs),
    )

    runs = []
    with progress(command.stderr) as bar:
        row_of_bar = bar.add_task("seeds × folds", total=len(settings.seeds) * len(splits))
        for run, trained in cross_validate(
            videos, splits, settings, row.attention, where, lambda: bar.advance(row_of_bar)
        ):
            runs.append(run)
            file = f"{settings.protocol}/seed_{run.seed}/split_{run.split}.safetensors"
            checkpoints.save(checkpoints_folder / file, trained)
    records.write_predictions(predictions, settings.protocol, runs)
    records.write_curves(curves, settings.protocol, runs)


if __name__ == "__main__":
    command.run(train)

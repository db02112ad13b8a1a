"""train: scorers learn people's scores from what is known of every frame."""

import logging
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from stages import command, section
from stages.artifacts import curves as learning
from stages.artifacts import feed as feeds
from stages.artifacts import people as judgements
from stages.artifacts import predictions as scored
from stages.artifacts import timeline as timelines
from stages.metrics.panel import Rules
from stages.metrics.panels import Panels
from stages.metrics.settings import Evaluate
from stages.scorers import checkpoints
from stages.scorers.settings import Model
from stages.splits.folds import Split, splits
from stages.splits.settings import Protocol, Splits
from stages.training import taken
from stages.training.crossvalidation import cross_validate, jobs, side_by_side
from stages.training.fitting import device
from stages.training.inputs import BySplit
from stages.training.lesson import lesson
from stages.training.settings import Train
from stages.training.shelf import room
from stages.training.trainer import EpochJudge, Trainer, lessons
from stages.work.files import replacing
from stages.work.runs import measured
from stages.work.store import Store

log = logging.getLogger("llmvs")


def train(
    dataset: Annotated[str, typer.Option(help="an entry of params.yaml: datasets")],
    model: Annotated[str, typer.Option(help="an entry of params.yaml: models")],
    timeline: Annotated[Path, typer.Option(help="the dataset's timeline, shots included")],
    people: Annotated[Path, typer.Option(help="people's judgement (from download)")],
    inputs: Annotated[Path, typer.Option(help="folder of what scorers are fed")],
    predictions: Annotated[Path, typer.Option(help="HDF5 file of test scores to write")],
    checkpoints_folder: Annotated[
        Path,
        typer.Option(
            "--checkpoints", help="folder to write a model a split and seed to, of those kept"
        ),
    ],
    curves: Annotated[Path, typer.Option(help="CSV file of learning curves to write")],
    feed: Annotated[Path, typer.Option(help="what the row is fed (from feeds)")],
) -> None:
    """Train one row of the comparison, and score the videos it did not see.

    For every protocol, seed and split, a scorer learns from the split's training videos to give
    each frame the score people gave it (gtscore, mean squared error, or as its kind has it), and
    scores the test videos.

    official: overlapping splits; the test videos are judged every half epoch, and the weights of
    the best mean Kendall's τ, or Spearman's ρ (train.official.by), are kept, which makes the
    figures optimistic.
    strict: every video is tested once, by the last epoch's weights; with train.validation, by the
    weights that do best on that share of the training videos.
    fixed: the split that the dataset's authors published; the test videos are scored by the weights
    that do best, by mean τ, on its validation videos, judged once an epoch.

    A row that is fed what this dataset lacks is left out: the files say so, there are no weights.
    """
    if (why := feeds.read(feed).left_out) is not None:
        log.warning("%s: %s", model, why)
        learning.write(curves, [])
        scored.write_left_out(predictions, why)
        checkpoints_folder.mkdir(parents=True, exist_ok=True)
        return
    chosen: Splits = section.lookup(Splits, "datasets", dataset, "splits")
    entry, settings = lesson(
        section.lookup(Model, "models", model),
        section.lookup(Train, "datasets", dataset, "train"),
        *(dataset, model),
    )
    videos = timelines.read(timeline)
    judged = judgements.read(people, videos)
    planned: dict[Protocol, list[Split]] = {
        protocol: splits(protocol, chosen.source, videos.names, chosen.folds, videos.parts)
        for protocol in chosen.protocols
    }
    evaluate: Evaluate = section.lookup(Evaluate, "datasets", dataset, "evaluate")
    runs_planned = jobs(settings, planned)
    watched = {name for job in runs_planned for name in job.watched}
    found = Panels(
        replace(videos, videos=tuple(one for one in videos.videos if one.name in watched)),
        *(judged, Rules.of(evaluate)),
    )
    choosing = {name: EpochJudge.by(found, name) for name in found}
    where = device()
    trainer = Trainer(
        videos=BySplit.of(
            *(inputs, model, entry, videos, judged, evaluate.budget),
            room=room(min(side_by_side(where), len(runs_planned)), where),
        ),
        judged=choosing,
        entry=entry,
        settings=settings,
        where=where,
    )
    log.info(
        "training %s (%s of %s) on %s: %d videos, protocols %s, %d splits, %d seeds, %d epochs; "
        "runs that are finished already are reused",
        *(model, entry.kind, " and ".join(entry.inputs), trainer.where, len(videos.videos)),
        *(" and ".join(planned), chosen.folds, len(settings.seeds), settings.epochs),
    )

    store = Store.default("train", predictions)
    runs: list[scored.Run] = []
    points: list[learning.Point] = []
    keys: list[str] = []
    seconds: list[taken.Taken | None] = []
    for finished in cross_validate(trainer, planned, store):
        runs.append(finished.run)
        points += finished.curve
        keys += finished.keys
        if finished.run.protocol == chosen.protocols[0]:
            seconds.append(finished.taken)
        if finished.checkpoint is None:
            continue
        place = checkpoints_folder / f"{finished.run.place}{checkpoints.SUFFIX}"
        with replacing(place) as temporary:
            temporary.write_bytes(finished.checkpoint)
    learning.write(curves, points)
    scored.write(predictions, runs, lessons(entry, settings))
    store.keep(keys)
    measured(taken.means(seconds))


if __name__ == "__main__":
    command.run(train)

"""Every seed on every split of every protocol: the runs behind one row of the comparison.

A finished run is an item of the work store, so that a killed training does again what was at work
and no more.

On a CPU the runs go side by side, each in a process with a single thread: they are too small for
more, two of them disturb each other where they share threads, and the bits then do not depend on
the machine's number of cores. On a GPU they go one after another, or as many side by side on the
one card as `LLMVS_RUNS` says: environment, for it changes nothing of what is made.
"""

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from stages.artifacts import curves, predictions
from stages.errors import UserError
from stages.splits.folds import Split, set_aside
from stages.splits.settings import Protocol
from stages.training import taken
from stages.training.batches import Video
from stages.training.settings import Train
from stages.training.taken import Taken
from stages.training.trainer import CHECKPOINT, Job, Trainer, Videos
from stages.work import allowance, executor, store
from stages.work.executor import Task
from stages.work.items import Arrays
from stages.work.store import Store


@dataclass(frozen=True, eq=False)
class Finished:
    """A run: its scores, its curve, its checkpoint's bytes, None where they are not kept, the keys
    it is kept under, and what it took when it was made, None where that was not measured.
    """

    run: predictions.Run
    curve: tuple[curves.Point, ...]
    checkpoint: bytes | None
    keys: tuple[str, ...]
    taken: Taken | None


def chosen_by(
    protocol: Protocol, split: Split, validation: float, seed: int
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The videos to learn from, and those to choose the epoch by.

    "official": the test videos, as the release. "fixed": the validation videos of the published
    split. "strict": a share `validation` of the training videos, which are then not learnt from;
    none where it is 0. Raises UserError as `set_aside`.
    """
    if protocol == "fixed":
        return split.train, split.validation
    if protocol == "official":
        return split.train, split.test
    if not validation:
        return split.train, ()
    learnt, watched = set_aside(split.train, validation, seed)
    return tuple(learnt), tuple(watched)


def jobs(settings: Train, splits: Mapping[Protocol, Sequence[Split]]) -> list[Job]:
    """Every seed on every split, protocols outermost, then seeds. Where only shown weights are to
    be kept, they are those of the first of both.

    Raises UserError as `chosen_by`.
    """
    planned = []
    shown = next(iter(splits), None), settings.seeds[0]
    for protocol, of_protocol in splits.items():
        for seed in settings.seeds:
            weights = settings.checkpoints == "all" or (protocol, seed) == shown
            for number, split in enumerate(of_protocol):
                learnt, watched = chosen_by(protocol, split, settings.validation, seed)
                planned.append(Job(protocol, seed, number, learnt, split.test, watched, weights))
    return planned


def side_by_side(where: torch.device) -> int:
    """How many runs a device is to have at a time: `LLMVS_RUNS`, without it one for each core that
    this process may use, and one on a GPU. Raises UserError where that is no number from 1.
    """
    said = os.environ.get("LLMVS_RUNS", "")
    if not said:
        return allowance.cores() if where.type == "cpu" else 1
    if not said.isdecimal() or int(said) < 1:
        raise UserError(f"LLMVS_RUNS={said}: must be how many trainings run at a time, 1 or more")
    return int(said)


def cross_validate(
    trainer: Trainer,
    splits: Mapping[Protocol, Sequence[Split]],
    kept: Store,
    processes: int | None = None,
) -> Iterator[Finished]:
    """Train every seed of the settings on every split, but for the runs that are kept already.

    Args:
        trainer: the row. With several processes it must be such that they can be handed it.
        splits: what to train and to test on under each protocol.
        kept: the work store.
        processes: how many runs at a time; by default what the device is to have.

    Returns:
        The runs in the order of `jobs`, read one at a time.

    Raises:
        UserError: a loss is no longer a number, `validation` leaves nothing to learn from, or as
            `side_by_side`.
    """
    planned = jobs(trainer.settings, splits)
    contents = _contents(trainer.videos, splits)
    tasks = []
    for job in planned:
        key = trainer.key(job, contents[job.protocol, job.number])
        siblings = {CHECKPOINT: store.key(run=key, part=CHECKPOINT)} if job.weights else {}
        tasks.append(Task(key, job, siblings=siblings))
    results = executor.stream(
        tasks,
        partial(_itself, trainer),
        kept,
        noun="runs",
        processes=processes or side_by_side(trainer.where),
    )
    for task, arrays in zip(tasks, results, strict=True):
        weights = None
        for beside in task.siblings.values():
            held = kept.get(beside)
            if held is None:  # kept without, or a disk's fault; computing again is always right
                ((_, again),) = trainer([task.payload])
                held = {"bytes": again[f"{CHECKPOINT}/bytes"]}
                kept.put(beside, held)
            weights = held["bytes"].tobytes()
        yield _finished(task.payload, arrays, weights, (task.key, *task.siblings.values()))


def _itself(trainer: Trainer) -> Trainer:
    return trainer


def _contents(
    videos: Videos, splits: Mapping[Protocol, Sequence[Split]]
) -> dict[tuple[Protocol, int], dict[str, str]]:
    """A fingerprint of each video as each split is to see it; videos seen alike are read once."""
    found: dict[tuple[Protocol, int], dict[str, str]] = {}
    last: Mapping[str, Video] | None = None
    prints: dict[str, str] = {}
    for protocol, of_protocol in splits.items():
        for number in range(len(of_protocol)):
            seen = videos(protocol, number)
            if seen is not last:
                prints = {name: _print(video) for name, video in seen.items()}
                last = seen
            found[protocol, number] = prints
    return found


def _print(video: Video) -> str:
    inputs = {name: x_TD.numpy() for name, x_TD in video.inputs.items()}
    chosen_T = video.keyshots_T
    also = {} if chosen_T is None else {"keyshots": chosen_T.numpy()}
    return store.key(inputs=inputs, gtscore=video.gtscore_T.numpy(), **also)


def _finished(
    job: Job, arrays: Arrays, checkpoint: bytes | None, keys: tuple[str, ...]
) -> Finished:
    scores = {name: arrays[f"scores_{place}"] for place, name in enumerate(job.tested)}
    run = predictions.Run(job.protocol, job.seed, job.number, float(arrays["epoch"]), scores)
    # Runs that were kept before ρ was have none.
    rho_P = arrays.get("rho", np.full(len(arrays["curve"]), np.nan))
    points = []
    for (*numbers, tau), rho in zip(arrays["curve"].tolist(), rho_P.tolist(), strict=True):
        agreed = (None if math.isnan(mark) else mark for mark in (tau, rho))
        points.append(curves.Point(job.protocol, job.seed, job.number, *numbers, *agreed))
    return Finished(run, tuple(points), checkpoint, keys, taken.of(arrays))

"""Every seed on every split: the runs behind one row of the comparison.

On a CPU the runs go side by side, each with a single thread: they are too small for more, two of
them disturb each other where they share threads, and the bits then do not depend on the machine's
number of cores. On a GPU they go one after another.
"""

import multiprocessing
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import torch

from stages.datasets.splits import Split
from stages.model.batches import Video
from stages.model.global_attention import GlobalAttention
from stages.model.records import Run
from stages.model.training import fit, predict
from stages.params import Train


@dataclass(frozen=True)
class Job:
    """One seed on one split, with what it needs to go to another process."""

    seed: int
    number: int
    split: Split
    videos: Mapping[str, Video]
    settings: Train
    attention: bool
    where: torch.device


def _run(job: Job) -> tuple[Run, GlobalAttention]:
    if job.where.type == "cpu":
        torch.set_num_threads(1)
    trained = fit(
        [job.videos[name] for name in job.split.train],
        [job.videos[name] for name in job.split.test],
        job.settings,
        job.attention,
        job.seed,
        job.where,
    )
    scores = {name: predict(trained.model, job.videos[name]) for name in job.split.test}
    return Run(job.seed, job.number, scores, trained.curve), trained.model


def cross_validate(
    videos: Mapping[str, Video],
    splits: Sequence[Split],
    settings: Train,
    attention: bool,
    where: torch.device,
    on_run: Callable[[], None] = lambda: None,
) -> Iterator[tuple[Run, GlobalAttention]]:
    """Train every seed of `settings` on every split; yields in that order, seeds outermost.

    Args:
        videos: by name; all that the splits name.
        splits: what to train and to test on.
        settings: the recipe's `train` section.
        attention: False trains the row without the encoder.
        where: device to train on.
        on_run: told of each finished run.

    Raises:
        UserError: a loss is no longer a number.
    """
    jobs = [
        Job(seed, number, split, videos, settings, attention, where)
        for seed in settings.seeds
        for number, split in enumerate(splits)
    ]
    workers = min(len(jobs), os.cpu_count() or 1) if where.type == "cpu" else 1
    if workers == 1:
        threads = torch.get_num_threads()
        try:
            for job in jobs:
                yield _run(job)
                on_run()
        finally:
            torch.set_num_threads(threads)
        return
    # Not forked: torch's threads do not survive a fork.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        for future in [pool.submit(_run, job) for job in jobs]:
            yield future.result()
            on_run()

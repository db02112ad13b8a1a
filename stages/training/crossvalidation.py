"""Every seed on every split of every protocol: the runs behind one row of the comparison.

On a CPU the runs go side by side, each with a single thread: they are too small for more, two of
them disturb each other where they share threads, and the bits then do not depend on the machine's
number of cores. On a GPU they go one after another.
"""

import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import islice

import torch

from stages.scorers.global_attention import GlobalAttention
from stages.splits.folds import Protocol, Split, set_aside
from stages.training.batches import Video
from stages.training.fitting import fit, predict
from stages.training.held_out import Judge, Watch
from stages.training.records import Run
from stages.training.settings import Train


@dataclass(frozen=True)
class Job:
    """One seed on one split, with what it needs to go to another process.

    learnt, tested: names of the videos. watched: those whose agreement chooses the epoch, none
    where the last one counts; judges are theirs.
    """

    protocol: Protocol
    seed: int
    number: int
    learnt: tuple[str, ...]
    tested: tuple[str, ...]
    watched: tuple[str, ...]
    videos: Mapping[str, Video]
    judges: Mapping[str, Judge]
    settings: Train
    attention: bool
    where: torch.device

    @property
    def watch(self) -> Watch | None:
        videos = [self.videos[name] for name in self.watched]
        return Watch(videos, self.judges, self.protocol == "official") if videos else None


def chosen_by(
    protocol: Protocol, split: Split, validation: float, seed: int
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The videos to learn from, and those to choose the epoch by.

    "official": the test videos, as the release. "strict": a share `validation` of the training
    videos, which are then not learnt from; none where it is 0. Raises UserError as `set_aside`.
    """
    if protocol == "official":
        return split.train, split.test
    if not validation:
        return split.train, ()
    learnt, watched = set_aside(split.train, validation, seed)
    return tuple(learnt), tuple(watched)


def _run(job: Job) -> tuple[Run, GlobalAttention]:
    if job.where.type == "cpu":
        torch.set_num_threads(1)
    trained = fit(
        [job.videos[name] for name in job.learnt],
        [job.videos[name] for name in job.tested],
        job.settings,
        job.attention,
        job.seed,
        job.where,
        job.watch,
    )
    scores = {name: predict(trained.model, job.videos[name]) for name in job.tested}
    run = Run(job.protocol, job.seed, job.number, trained.epoch, scores, trained.curve)
    return run, trained.model


def cross_validate(
    videos: Callable[[Protocol, int], Mapping[str, Video]],
    splits: Mapping[Protocol, Sequence[Split]],
    judges: Mapping[str, Judge],
    settings: Train,
    attention: bool,
    where: torch.device,
    on_run: Callable[[], None] = lambda: None,
) -> Iterator[tuple[Run, GlobalAttention]]:
    """Train every seed of `settings` on every split; yields in that order, protocols outermost.

    Args:
        videos: by name, all that the splits name, for a protocol and the number of its split.
        splits: what to train and to test on under each protocol.
        judges: agreement with people by video; only protocols that choose an epoch need them.
        settings: the recipe's `train` section.
        attention: False trains the row without the encoder.
        where: device to train on.
        on_run: told of each finished run.

    Raises:
        UserError: a loss is no longer a number, or `validation` leaves nothing to learn from.
    """
    plan = [
        (protocol, seed, number, split)
        for protocol, of_protocol in splits.items()
        for seed in settings.seeds
        for number, split in enumerate(of_protocol)
    ]

    def job(protocol: Protocol, seed: int, number: int, split: Split) -> Job:
        learnt, watched = chosen_by(protocol, split, settings.validation, seed)
        return Job(
            protocol=protocol,
            seed=seed,
            number=number,
            learnt=learnt,
            tested=split.test,
            watched=watched,
            videos=videos(protocol, number),
            judges={name: judges[name] for name in watched},
            settings=settings,
            attention=attention,
            where=where,
        )

    workers = min(len(plan), os.cpu_count() or 1) if where.type == "cpu" else 1
    if workers == 1:
        threads = torch.get_num_threads()
        try:
            for each in plan:
                yield _run(job(*each))
                on_run()
        finally:
            torch.set_num_threads(threads)
        return
    # Not forked: torch's threads do not survive a fork.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        # No more in hand than are at work and next: each holds its videos.
        left = iter(plan)
        running = deque(pool.submit(_run, job(*each)) for each in islice(left, workers + 1))
        while running:
            yield running.popleft().result()
            on_run()
            running.extend(pool.submit(_run, job(*each)) for each in islice(left, 1))

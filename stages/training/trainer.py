"""One row's trainer: from the names of a run's videos to its scores, its curve and its weights.

Shapes: T sampled frames, P points of a learning curve.
"""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from stages.errors import UserError
from stages.metrics.panel import Panel
from stages.scorers import checkpoints, registry
from stages.scorers.settings import Entry
from stages.splits.settings import Protocol
from stages.training.batches import Video
from stages.training.fitting import Trained, fit, one_thread, predict
from stages.training.held_out import AgreementOf, Floats, Watch
from stages.training.settings import Official, Train
from stages.training.shelf import chosen
from stages.training.taken import Taken
from stages.work import store
from stages.work.items import Arrays

VERSION = 2
"""Of what the code makes of the same determinants; raised where it makes something else."""

CHECKPOINT = "checkpoint"
"""The part of a run that is kept as an item of its own: weights may be large."""

Videos = Callable[[Protocol, int], Mapping[str, Video]]
"""The videos by name that a split of a protocol is to see, by its number."""


@dataclass(frozen=True, eq=False)
class EpochJudge:
    """What chooses an epoch by a video: its people's agreement with scores, and a fingerprint of
    all that this agreement depends on.
    """

    agreement: AgreementOf
    content: str

    @classmethod
    def by(cls, panels: Mapping[str, Panel], name: str) -> "EpochJudge":
        """By one of the panels, which is asked for anew each time that scores are judged."""
        panel = panels[name]
        # As numbers, so that runs from before choices were kept as truths are known.
        people = [panel.user_summary.astype(np.float32), panel.user_scores]
        rules: list[str | float] = [panel.rules.agreement, panel.rules.budget]
        if panel.rules.beyond:
            rules.append(panel.rules.beyond)
        spine = [panel.n_frames, panel.picks, panel.change_points]
        return cls(_Agreement(panels, name), store.key(people=people, rules=rules, spine=spine))


@dataclass(frozen=True, eq=False)
class _Agreement:
    """With one video's people."""

    panels: Mapping[str, Panel]
    name: str

    def __call__(self, scores_T: Floats) -> tuple[float, float]:
        return self.panels[self.name].agreement(scores_T)


_ELSEWHERE = {"seeds", "scorer", "models", "official", "checkpoints"}
"""Of the recipe's `train` section: what says nothing of how one scorer learns."""


def lessons(entry: Entry, settings: Train) -> dict[str, dict[str, Any]]:
    """How a row's scorers learn, whatever the seed and whoever chooses the epoch, in JSON's types.

    Args:
        entry: which scorer, its hyperparameters those of the recipe.
        settings: the recipe's `train` section, as it is for this row.
    """
    how = settings.model_dump(mode="json", exclude=_ELSEWHERE)
    # Named only where it is another, so that runs from before there was a choice are known.
    for name in ("optimiser", "dtype"):
        if how[name] == Train.model_fields[name].default:
            del how[name]
    return {"model": entry.model_dump(mode="json", exclude={"title"}), "train": how}


@dataclass(frozen=True)
class Job:
    """One seed on one split, by the names of its videos.

    watched: those whose agreement chooses the epoch, none where the last one counts. weights:
    whether they are kept.
    """

    protocol: Protocol
    seed: int
    number: int
    learnt: tuple[str, ...]
    tested: tuple[str, ...]
    watched: tuple[str, ...]
    weights: bool = True


@dataclass(frozen=True, eq=False)
class Trainer:
    """Trains one row: what every run of it shares, and a worker of the executor.

    videos: all that the splits name. judged: by video; only protocols that choose an epoch need
    them. entry: which scorer, its hyperparameters those of this recipe. settings: the recipe's
    `train` section, as it is for this row. where: device to train on.
    """

    videos: Videos
    judged: Mapping[str, EpochJudge]
    entry: Entry
    settings: Train
    where: torch.device

    def __call__(self, jobs: list[Job]) -> Iterator[tuple[int, Arrays]]:
        """Each run's arrays: epoch, curve (P, 5), rho (P,), scores of the videos tested, what it
        took, and, where its weights are kept, its checkpoint.

        Raises:
            UserError: a loss is no longer a number.
        """
        for index, job in enumerate(jobs):
            with one_thread(self.where):
                videos = self.videos(job.protocol, job.number)
                began = time.perf_counter()
                try:
                    trained = self._fitted(job, videos)
                except UserError as error:
                    run = f"{job.protocol}, seed {job.seed}, split {job.number + 1}"
                    raise UserError(f"{run}: {error}") from error
                learnt = time.perf_counter()
                scores = [predict(trained.model, videos[name]) for name in job.tested]
                scoring = (time.perf_counter() - learnt) / len(scores)
                for name, scores_T in zip(job.tested, scores, strict=True):
                    if not np.isfinite(scores_T).all():
                        raise UserError(
                            f"{name}: its scores are no numbers, though training went well; its "
                            f"{', '.join(self.entry.inputs)} may hold values of another size than "
                            "those learnt from"
                        )
            yield (
                index,
                _arrays(trained, job.weights)
                | {f"scores_{place}": scores_T for place, scores_T in enumerate(scores)}
                | Taken(learnt - began, scoring).array,
            )

    def _fitted(self, job: Job, videos: Mapping[str, Video]) -> Trained:
        watch = None
        if job.watched:
            agreement = {name: self.judged[name].agreement for name in job.watched}
            watched = chosen(videos, job.watched)
            official = job.protocol == "official"
            choice = self.settings.official if official else Official()
            watch = Watch(watched, agreement, official, choice.by, choice.gpus)
        return fit(
            chosen(videos, job.learnt),
            chosen(videos, job.tested),
            self.entry,
            self.settings,
            seed=job.seed,
            where=self.where,
            watch=watch,
        )

    def key(self, job: Job, contents: Mapping[str, str]) -> str:
        """Of everything that determines a run.

        Args:
            job: the run.
            contents: a fingerprint of each video's inputs and gtscore.
        """
        said = lessons(self.entry, self.settings)
        # What it stands for is in the job: the videos that are watched.
        del said["train"]["validation"]
        # Named only where it is another, so that runs from before there was a choice are known.
        choice = self.settings.official.model_dump(mode="json", exclude_defaults=True)
        other = choice if job.protocol == "official" else {}
        return store.key(
            **other,
            version=[VERSION, registry.scorer(self.entry.kind).version],
            entry=said["model"],
            train=said["train"],
            protocol=job.protocol,
            seed=job.seed,
            learnt=[[name, contents[name]] for name in job.learnt],
            tested=[[name, contents[name]] for name in job.tested],
            watched=[[name, contents[name], self.judged[name].content] for name in job.watched],
        )


def _arrays(trained: Trained, weights: bool) -> Arrays:
    points = [
        (at.epoch, at.lr, at.train_loss, at.test_loss, math.nan if at.tau is None else at.tau)
        for at in trained.curve
    ]
    arrays = {
        "epoch": np.array(trained.epoch, dtype=np.float64),
        "curve": np.array(points, dtype=np.float64),
        "rho": np.array([math.nan if at.rho is None else at.rho for at in trained.curve]),
    }
    if weights:
        content = checkpoints.packed(trained.model)
        arrays[f"{CHECKPOINT}/bytes"] = np.frombuffer(content, dtype=np.uint8)
    return arrays

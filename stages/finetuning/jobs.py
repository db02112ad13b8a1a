"""Every seed on every split of every protocol, fine-tuned through the work store.

A run is cut into stretches of `finetune.save` steps. The state at a stretch's end is an item of the
store under everything that led there, and the run goes on from the last that is there: a killed
run does one stretch again at most. Once the next is there an earlier one is dropped, and of a
finished run the last stays. Stretches of all runs that stand side by side are handed to the
executor together, so that several cards have a run each.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from stages.captioners.captioner import Frame
from stages.finetuning import tuner
from stages.finetuning.examinee import Examinee
from stages.finetuning.lessons import Floats, Lesson, steps
from stages.finetuning.pupil import Sample
from stages.finetuning.settings import Finetune
from stages.finetuning.tuner import LOSSES, Stretch, Tuner
from stages.llm.prompt import fill
from stages.splits.folds import Split
from stages.splits.settings import Protocol
from stages.work import adapters, burden
from stages.work.executor import Task, complete
from stages.work.items import Arrays
from stages.work.pace import Pace
from stages.work.store import Store, key

log = logging.getLogger("llmvs")

VERSION = 1
"""Of what the code makes of the same determinants; raised where it makes something else."""


@dataclass(frozen=True)
class Job:
    """One seed on one split."""

    protocol: Protocol
    seed: int
    number: int
    split: Split


@dataclass(frozen=True)
class Finished:
    """A run: the adapter as a file's content, and the mean loss of an answer's token, a step."""

    job: Job
    adapter: bytes
    losses: Sequence[float]


def jobs(settings: Finetune, splits: Mapping[Protocol, Sequence[Split]]) -> list[Job]:
    """Every seed on every split of `settings.protocols`, protocols outermost, then seeds."""
    return [
        Job(protocol, seed, number, split)
        for protocol in settings.protocols
        for seed in settings.seeds
        for number, split in enumerate(splits[protocol])
    ]


class _Run:
    """A job on its way: what it learns, its keys step by step, and where it stands.

    known: of each frame a key of what the examinee is shown of it, found as it is wanted.
    """

    def __init__(
        self,
        job: Job,
        examinee: Examinee,
        people: Mapping[str, Floats],
        settings: Finetune,
        known: dict[Frame, str],
    ) -> None:
        self.job, self._examinee, self._known = job, examinee, known
        # Of the split's training videos and no other: what is tested is never learnt from.
        learnt = {name: people[name] for name in job.split.train}
        self.steps = steps(learnt, examinee.scale, settings, job.seed)
        self.keys = list(self._chain(settings))
        self.done = 0
        self.state: Arrays | None = None

    def _chain(self, settings: Finetune) -> Iterator[str]:
        """The key of the state behind each step: of the one before it, and what is learnt in it."""
        known = self._known

        def said(frame: Frame) -> str:
            if frame not in known:
                known[frame] = key(content=self._examinee.content(frame))
            return known[frame]

        before = key(
            stage="finetune",
            version=VERSION,
            model=self._examinee.determinants(),
            lora=settings.lora.model_dump(mode="json"),
            lr=settings.lr,
            clip=settings.clip,
            seed=self.job.seed,
            steps=len(self.steps),
            template=self._examinee.template,
        )
        for step in self.steps:
            learnt = [[[said(each.frame), each.number] for each in one] for one in step]
            before = key(before=before, learnt=learnt)
            yield before

    def find(self, store: Store) -> None:
        """Stand behind the last step whose state is there."""
        for done in range(len(self.steps), 0, -1):
            state = store.get(self.keys[done - 1]) if self.keys[done - 1] in store else None
            if state is not None:
                self.done, self.state = done, state
                for earlier in self.keys[: done - 1]:
                    if earlier in store:  # a run stopped between this one and dropping it
                        store.drop(earlier)
                return

    @property
    def finished(self) -> bool:
        return self.done == len(self.steps)

    def next(self, length: int) -> int:
        """The step that the next stretch ends behind: a multiple of `length`, or the last."""
        return min((self.done // length + 1) * length, len(self.steps))

    def task(self, end: int) -> Task[Stretch]:
        taken = self.steps[self.done : end]
        stretch = Stretch(
            self.job.seed,
            self.done,
            len(self.steps),
            tuple(tuple(tuple(map(self._sample, one)) for one in step) for step in taken),
            self.state,
        )
        cost = sum(len(one) for step in taken for one in step)
        return Task(self.keys[end - 1], stretch, cost)

    def _sample(self, lesson: Lesson) -> Sample:
        answer = fill(self._examinee.template, score=lesson.number).strip()
        return Sample(self._examinee.prompt(lesson.frame), answer)


class _Once:
    """A worker's loader that is called once in this process, however many rounds there are: each
    would have the weights read anew. In another process, anew.
    """

    def __init__(self, load: Callable[[], Tuner]) -> None:
        self._load = load
        self._loaded: Tuner | None = None

    def __call__(self) -> Tuner:
        if self._loaded is None:
            self._loaded = self._load()
        return self._loaded

    def __reduce__(self) -> tuple[type["_Once"], tuple[Callable[[], Tuner]]]:
        return _Once, (self._load,)


def tune(
    examinees: Mapping[Job, Examinee],
    people: Mapping[str, Floats],
    settings: Finetune,
    store: Store,
) -> tuple[list[Finished], list[str]]:
    """Fine-tune every job, but for what is kept already.

    Args:
        examinees: by job; what differs between them is what they are shown alone, so that one
            model serves all.
        people: mean scores (T,) of every video.
        store: the work store.

    Returns:
        The runs in order, and the keys of the store's items that belong to them.

    Raises:
        UserError: the model cannot be had or cannot learn, is too much for this machine, or a loss
            is no longer a number.
    """
    known: dict[int, dict[Frame, str]] = {id(examinee): {} for examinee in examinees.values()}
    runs = [
        _Run(job, examinee, people, settings, known[id(examinee)])
        for job, examinee in examinees.items()
    ]
    for run in runs:
        run.find(store)
    left = sum(len(one) for run in runs for step in run.steps[run.done :] for one in step)
    log.info(
        "%d runs, %d of them finished before; %s frames to learn from are left",
        *(len(runs), sum(run.finished for run in runs), f"{left:,}"),
    )
    first = next(iter(examinees.values()))
    asked = first.burden(left, settings) if left else None
    if asked is not None:
        burden.checked(asked)
    weights = asked.weights if asked else 0
    load = _Once(partial(Tuner, first.loader(), settings))
    pace = Pace(left, "frames of all stretches")
    while going := [run for run in runs if not run.finished]:
        ends = [run.next(settings.save) for run in going]
        tasks = [run.task(end) for run, end in zip(going, ends, strict=True)]
        noun, unit = "stretches of fine-tuning", "frames of these stretches"
        states = complete(tasks, load, store, noun=noun, unit=unit, weights=weights)
        for run, end, state in zip(going, ends, states, strict=True):
            if run.done:
                store.drop(run.keys[run.done - 1])
            run.done, run.state = end, state
            log.info(
                "%s, seed %d, split %d: step %d of %d, loss %.3f",
                *(run.job.protocol, run.job.seed, run.job.number + 1, end, len(run.steps)),
                float(np.mean(state[LOSSES][-settings.save :])),
            )
        pace.advance(sum(task.cost for task in tasks))
    found = []
    for run in runs:
        assert run.state is not None
        adapter = adapters.packed(
            settings.lora.rank, settings.lora.alpha, tuner.adapter_of(run.state)
        )
        found.append(Finished(run.job, adapter, run.state[LOSSES].tolist()))
    return found, [each for run in runs for each in run.keys]

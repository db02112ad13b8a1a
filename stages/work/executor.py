"""Bring every task's result into the store, doing only what is missing."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from stages.errors import UserError
from stages.work import runs, workers
from stages.work.bar import Counted, progress
from stages.work.items import Arrays
from stages.work.pace import Pace
from stages.work.store import Store
from stages.work.workers import Away, Found, Job
from stages.work.writer import Writer

log = logging.getLogger("llmvs")
P = TypeVar("P")


_NONE: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Task(Generic[P]):
    """One item of work: the key of its result, what a worker needs, and how many units it holds.

    effort: what the queue of a cluster is ordered by, where that is not the cost.
    siblings: name to key of further items that the same work yields beside; a worker's array
    `NAME/array` is the array of that name of the sibling NAME. They are kept for whoever asks for
    them by their own key, and do not make a task missing.
    """

    key: str
    payload: P
    cost: int = 1
    siblings: Mapping[str, str] = field(default_factory=lambda: _NONE)
    effort: float | None = None


class Worker(Protocol[P]):
    """Holds a model and turns payloads into arrays.

    Yields (index into `payloads`, arrays) as each is finished, in any order, so that a killed
    process loses only what was in flight. Arrays are written while it goes on, so it must not
    change them afterwards.
    """

    def __call__(self, payloads: list[P], /) -> Iterator[tuple[int, Arrays]]: ...


def complete(
    tasks: Sequence[Task[P]],
    load: Callable[[], Worker[P]],
    store: Store,
    noun: str = "frames",
    unit: str | None = None,
    processes: int | None = None,
    weights: int = 0,
    away: Away | None = None,
) -> list[Arrays]:
    """The result of every task, in order; tasks with the same key are computed once.

    Args, raises: as `stream`, which holds one result at a time.
    """
    unique = list({task.key: task for task in tasks}.values())
    results = stream(unique, load, store, noun, unit, processes, weights, away)
    found = {task.key: arrays for task, arrays in zip(unique, results, strict=True)}
    return [found[task.key] for task in tasks]


def stream(
    tasks: Sequence[Task[P]],
    load: Callable[[], Worker[P]],
    store: Store,
    noun: str = "frames",
    unit: str | None = None,
    processes: int | None = None,
    weights: int = 0,
    away: Away | None = None,
) -> Iterator[Arrays]:
    """Compute what the store does not hold, then read the result of every task from it, in order.

    Args:
        tasks: what is wanted.
        load: builds the worker (and its model); called only where something is missing.
        store: where finished results are looked up and kept.
        noun: what one task is, for the log and the progress bar.
        unit: what `Task.cost` counts, where it is not the tasks themselves.
        processes: so many of this machine, each with a worker of its own, whatever
            `LLMVS_EXECUTOR` says; one is this process itself. Beyond one, `load` and the payloads
            must be such that other processes can be handed them. What costs most is begun first, so
            that no process is left alone with a long task at the end.
        weights: bytes of a worker's model; 0 where they are not known, or small.
        away: how the work goes to the machines of a cluster, where that is not as here.

    Raises:
        UserError: `LLMVS_EXECUTOR` names no executor, or a worker left a task unanswered.
        DiskFullError: there is no room for a result; those before it are kept.
    """
    unique = list({task.key: task for task in tasks}.values())
    store.begin(key for task in unique for key in (task.key, *task.siblings.values()))
    missing, distinct = _missing(unique, store), len(unique)
    del unique
    reused = distinct - len(missing)
    log.info(
        "%d distinct %s: reused %d of %d, computing %d",
        *(distinct, noun, reused, distinct, len(missing)),
    )
    runs.count(noun, reused, distinct)
    if missing:
        answers = workers.answers() if processes is None else workers.local(processes)
        if processes is not None:
            missing.sort(key=lambda task: task.cost, reverse=True)
        costs = [task.cost if task.effort is None else task.effort for task in missing]
        payloads = [task.payload for task in missing]
        job = Job(payloads, load, costs, weights, away)
        _compute(missing, answers(job), store, noun, unit, processes or 1)
        del costs, payloads, job
    del missing
    for task in tasks:
        yield result(store, task, load)


def _missing(tasks: list[Task[P]], store: Store) -> list[Task[P]]:
    """The tasks whose results are not there, or not as they were put there."""
    damaged = {task.key: said for task in tasks if (said := store.damage(task.key)) is not None}
    if damaged:
        first, said = next(iter(damaged.items()))
        log.warning(
            "%d damaged items of the work store are computed again; the first is %s (%s)",
            *(len(damaged), store.place(first), said),
        )
    return [task for task in tasks if task.key in damaged or task.key not in store]


def _compute(
    tasks: list[Task[P]],
    answers: Found,
    store: Store,
    noun: str,
    unit: str | None,
    processes: int,
) -> None:
    total = sum(task.cost for task in tasks)
    pace = Pace(total, unit or noun, processes)
    answered = bytearray(len(tasks))
    with progress() as bar:
        row = Counted(bar, noun, len(tasks), total, unit)

        def keep(task: Task[P], arrays: Arrays) -> None:
            _put(store, task, arrays)
            runs.computed(noun)
            row.advance(task.cost)
            pace.advance(task.cost)

        # Whatever ends the loop ends the worker first, and then all that it yielded is kept.
        with (
            Writer(keep) as writer,
            closing(answers) as results,
        ):
            for index, arrays in results:
                writer.put(tasks[index], arrays)
                answered[index] = 1
    if unanswered := answered.count(0):
        raise UserError(f"{unanswered} of {len(tasks)} {noun} came back without a result")


def result(store: Store, task: Task[P], load: Callable[[], Worker[P]]) -> Arrays:
    """What a task yielded, from the store; computed where it is not there, or damaged."""
    arrays = store.get(task.key)
    if arrays is None:  # gone or damaged since it was looked up
        ((_, found),) = load()([task.payload])
        arrays = _put(store, task, found)
    return arrays


def _put(store: Store, task: Task[Any], arrays: Arrays) -> Arrays:
    """Keep a task's arrays and its siblings', its own last: then all that belongs to it is there.

    Returns the task's own.
    """
    own: Arrays = {}
    beside: dict[str, Arrays] = {name: {} for name in task.siblings}
    for name, array in arrays.items():
        sibling, apart, of = name.rpartition("/")
        if not apart:
            own[name] = array
        elif sibling in beside:
            beside[sibling][of] = array
    for sibling, found in beside.items():
        if task.siblings[sibling] not in store:
            store.put(task.siblings[sibling], found)
    store.put(task.key, own)
    return own

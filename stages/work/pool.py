"""Spread payloads over processes of this machine, each with its own worker."""

import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from itertools import islice
from typing import Any, TypeVar

from stages.work.store import Arrays

P = TypeVar("P")

_held: list[Any] = []
"""In a process of the pool: its worker."""


def _hold(load: Callable[[], Any]) -> None:
    _held.append(load())


def _answer(payload: Any) -> Arrays:
    ((_, arrays),) = _held[0]([payload])
    found: Arrays = arrays
    return found


def scatter(
    payloads: list[P], load: Callable[[], Any], processes: int
) -> Iterator[tuple[int, Arrays]]:
    """Yield (index, arrays) as any of the processes answers.

    No more payloads are handed out than are at work and next. Where a worker raises, or the
    caller stops, what is at work is finished and thrown away.

    Args:
        payloads: what to compute.
        load: builds a worker inside each process.
        processes: how many; never more than payloads.
    """
    processes = min(processes, len(payloads))
    # Not forked: torch's threads do not survive a fork.
    context = multiprocessing.get_context("spawn")
    executor = ProcessPoolExecutor(processes, context, initializer=_hold, initargs=(load,))
    left = enumerate(payloads)
    running: dict[Future[Arrays], int] = {}
    try:
        while True:
            for index, payload in islice(left, processes + 1 - len(running)):
                running[executor.submit(_answer, payload)] = index
            if not running:
                return
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                yield running.pop(future), future.result()
    finally:
        executor.shutdown(cancel_futures=True)

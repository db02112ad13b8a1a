"""Spread payloads over processes of this machine, each with its own worker."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from typing import Any, TypeVar

from stages.errors import UserError
from stages.work import allowance
from stages.work.items import Arrays

P = TypeVar("P")

_held: list[Any] = []
"""In a process of the pool: its worker."""


WORKERS = "LLMVS_WORKERS"
"""Environment: how many processes of this machine, or actors of Ray."""


def wanted() -> int | None:
    """What LLMVS_WORKERS asks for; None where it is silent. Raises UserError where it is none."""
    said = os.environ.get(WORKERS)
    if said is None:
        return None
    if not said.isdecimal() or int(said) < 1:
        raise UserError(f"{WORKERS}={said}: must be a whole number, at least 1")
    return int(said)


def processes() -> int:
    """How many processes work that wants a processor alone is spread over: `LLMVS_WORKERS`, or one
    for each core that this process may use.

    Raises UserError where `LLMVS_WORKERS` is no number of processes.
    """
    return wanted() or allowance.cores()


def _hold(load: Callable[[], Any]) -> None:
    # Ctrl-C reaches every process of the terminal; what becomes of these is for the first to say.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _held.append(load())


def _end_with_parent() -> None:
    """Wait for the parent's end, which may be a kill that left it no time to tell its children."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _answer(payload: Any) -> Arrays:
    ((_, arrays),) = _held[0]([payload])
    found: Arrays = arrays
    return found


def scatter(
    payloads: list[P], load: Callable[[], Any], processes: int
) -> Iterator[tuple[int, Arrays]]:
    """Yield (index, arrays) as any of the processes answers.

    No more payloads are handed out than are at work and next. Where a worker raises, or the
    caller stops, the processes are ended.

    Args:
        payloads: what to compute.
        load: builds a worker inside each process.
        processes: how many; never more than payloads.

    Raises:
        UserError: a process was killed.
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
    except BaseException as error:
        # Not waited for: a payload may take minutes, and nobody wants its result.
        for process in multiprocessing.active_children():
            process.terminate()
        if isinstance(error, BrokenProcessPool):
            raise UserError(
                "a process at work was killed, by the system for want of memory unless by you; "
                "close what else needs memory and run again: what is finished is kept"
            ) from error
        raise
    finally:
        executor.shutdown(cancel_futures=True)

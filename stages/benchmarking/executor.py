"""What a cluster costs above doing the work here: the same items both ways, a worker that waits.

It waits as one does whose model is at work on a card, so that nothing but the way there and back
differs. Every item goes through a work store of its own.
"""

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.table import Table

from stages.work.executor import Task, complete
from stages.work.items import Arrays
from stages.work.store import Store, key


@dataclass(frozen=True)
class Waiting:
    """A worker of so many seconds an item, which says when it began."""

    seconds: float

    def __call__(self, payloads: list[bytes]) -> Iterator[tuple[int, Arrays]]:
        for index in range(len(payloads)):
            began = time.time()
            time.sleep(self.seconds)
            yield index, {"began": np.array(began), "state": np.zeros(4096, dtype=np.float32)}


@dataclass(frozen=True)
class Load:
    """Makes the worker."""

    seconds: float

    def __call__(self) -> Waiting:
        return Waiting(self.seconds)


def measure(items: int, seconds: float, kilobytes: int) -> Table:
    """A row each way: until the first item is begun, from then to the end, and the end's share
    above the items' own time.

    Raises UserError as `work.cluster.joined`.
    """
    drawn = np.random.default_rng(0)
    payloads = [drawn.bytes(1000 * kilobytes) for _ in range(items)]
    tasks = [Task(key(payload=payload), payload) for payload in payloads]
    told = Table("", "until the first, s", "items, s", "above their own time", "above serial")
    plain = 0.0
    for executor in ("serial", "ray"):
        with tempfile.TemporaryDirectory() as folder, by(executor):
            start = time.time()
            found = complete(tasks, Load(seconds), Store(Path(folder)), noun="items")
            end = time.time()
        first = min(float(arrays["began"]) for arrays in found)
        took = end - first
        plain = plain or took
        told.add_row(
            *(executor, f"{first - start:.2f}", f"{took:.2f}"),
            *(f"{took / (items * seconds) - 1:.2%}", f"{took / plain - 1:.2%}"),
        )
    told.title = f"{items} items of {seconds:g} s and {kilobytes} kB, one worker"
    return told


@contextmanager
def by(executor: str) -> Iterator[None]:
    """By this executor, with one worker, while the block lasts."""
    before = {name: os.environ.get(name) for name in ("LLMVS_EXECUTOR", "LLMVS_WORKERS")}
    os.environ.update(LLMVS_EXECUTOR=executor, LLMVS_WORKERS="1")
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value

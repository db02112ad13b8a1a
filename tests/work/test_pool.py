"""Tasks brought into the store by several processes of this machine."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from stages.errors import UserError
from stages.work import pool
from stages.work.executor import Task, complete
from stages.work.items import Arrays
from stages.work.store import Store, key


@dataclass
class Cube:
    """A worker that says which process it is in, and breaks at a payload if told to."""

    broken_at: int | None = None

    def __call__(self, payloads: list[int]) -> Iterator[tuple[int, Arrays]]:
        for index, payload in enumerate(payloads):
            if payload == self.broken_at:
                raise UserError(f"broken at {payload}")
            yield index, {"cube": np.array(payload**3), "process": np.array(os.getpid())}


@dataclass
class Load:
    broken_at: int | None = None

    def __call__(self) -> Cube:
        return Cube(self.broken_at)


TASKS = [Task(key(n=n), n) for n in (3, 1, 3, 2, 5, 4)]


@pytest.mark.parametrize("processes", [1, 2])
def test_processes_answer_in_the_order_of_the_tasks(tmp_path: Path, processes: int) -> None:
    found = complete(TASKS, Load(), Store(tmp_path), processes=processes)
    assert [int(arrays["cube"]) for arrays in found] == [27, 1, 27, 8, 125, 64]
    ours = {int(arrays["process"]) == os.getpid() for arrays in found}
    assert ours == {processes == 1}


def test_the_number_of_processes_is_kept_whatever_the_executor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLMVS_EXECUTOR", "slurm")
    assert len(complete(TASKS, Load(), Store(tmp_path), processes=1)) == len(TASKS)


def test_as_many_processes_as_are_asked_for_or_as_there_are_cores(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("LLMVS_WORKERS", raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 3, 5}, raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    assert pool.processes() == 3
    monkeypatch.setenv("LLMVS_WORKERS", "7")
    assert pool.processes() == 7
    for wrong in ("0", "-1", "many", "1.5", ""):
        monkeypatch.setenv("LLMVS_WORKERS", wrong)
        with pytest.raises(UserError, match=f"LLMVS_WORKERS={wrong}: must be a whole number"):
            pool.processes()


def test_what_costs_most_is_begun_first(tmp_path: Path) -> None:
    begun: list[int] = []

    def worker(payloads: list[int]) -> Iterator[tuple[int, Arrays]]:
        for index, payload in enumerate(payloads):
            begun.append(payload)
            yield index, {"payload": np.array(payload)}

    tasks = [Task(key(n=n), n, cost=n) for n in (3, 1, 5, 2, 4)]
    found = complete(tasks, lambda: worker, Store(tmp_path), processes=1)
    assert begun == [5, 4, 3, 2, 1]
    assert [int(arrays["payload"]) for arrays in found] == [3, 1, 5, 2, 4]


def test_an_error_of_a_process_is_the_callers_and_what_was_finished_is_kept(
    tmp_path: Path,
) -> None:
    with pytest.raises(UserError, match="broken at 4"):
        complete(TASKS, Load(broken_at=4), Store(tmp_path), processes=2)
    kept = [task.payload for task in TASKS if task.key in Store(tmp_path)]
    assert {3, 1} <= set(kept)
    assert 4 not in kept

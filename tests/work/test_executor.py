import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stages.errors import UserError
from stages.work import runs
from stages.work.executor import Task, complete
from stages.work.files import DiskFullError
from stages.work.items import Arrays
from stages.work.store import Store, key


class Squarer:
    """Answers in reverse order; breaks at a payload if told to."""

    def __init__(self, seen: list[int], broken_at: int | None = None) -> None:
        self.seen, self.broken_at = seen, broken_at

    def __call__(self, payloads: list[int]) -> Iterator[tuple[int, Arrays]]:
        for index in reversed(range(len(payloads))):
            if payloads[index] == self.broken_at:
                raise RuntimeError("killed")
            self.seen.append(payloads[index])
            yield index, {"square": np.array(payloads[index] ** 2)}


def tasks(*values: int) -> list[Task[int]]:
    return [Task(key(n=value), value) for value in values]


def squares(results: list[Arrays]) -> list[int]:
    return [int(arrays["square"]) for arrays in results]


def test_results_come_in_order_and_equal_tasks_are_done_once(tmp_path: Path) -> None:
    seen: list[int] = []
    results = complete(tasks(3, 1, 3, 2), lambda: Squarer(seen), Store(tmp_path))
    assert squares(results) == [9, 1, 9, 4]
    assert sorted(seen) == [1, 2, 3]


def test_a_killed_run_goes_on_where_it_stopped(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first: list[int] = []
    with pytest.raises(RuntimeError, match="killed"):
        complete(tasks(1, 2, 3, 4), lambda: Squarer(first, broken_at=2), Store(tmp_path))
    second: list[int] = []
    logging.getLogger("llmvs").propagate = True
    with caplog.at_level(logging.INFO, "llmvs"):
        results = complete(tasks(1, 2, 3, 4), lambda: Squarer(second), Store(tmp_path))
    assert squares(results) == [1, 4, 9, 16]
    assert (sorted(first), sorted(second)) == ([3, 4], [1, 2])
    assert "reused 2 of 4" in caplog.text


def test_nothing_missing_loads_no_model(tmp_path: Path) -> None:
    complete(tasks(1, 2), lambda: Squarer([]), Store(tmp_path))

    def load() -> Squarer:
        raise AssertionError("loaded for nothing")

    assert squares(complete(tasks(2, 1), load, Store(tmp_path))) == [4, 1]


class Slow(Store):
    """A store whose disk is waited for."""

    def __init__(self, root: Path, wait: Callable[[], object]) -> None:
        super().__init__(root)
        self.wait = wait

    def put(self, item_key: str, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
        self.wait()
        super().put(item_key, arrays)


def test_results_are_written_while_the_next_are_computed(tmp_path: Path) -> None:
    seen: list[int] = []
    last = threading.Event()

    def worker(payloads: list[int]) -> Iterator[tuple[int, Arrays]]:
        yield from Squarer(seen)(payloads)
        last.set()

    # The first result reaches the disk only once all of them are computed.
    store = Slow(tmp_path, lambda: last.wait(10) or pytest.fail("nobody computed meanwhile"))
    assert squares(complete(tasks(1, 2, 3), lambda: worker, store)) == [1, 4, 9]


@pytest.mark.parametrize("error", [RuntimeError("killed"), KeyboardInterrupt(), UserError("no")])
def test_what_is_finished_is_kept_whatever_ends_the_worker(
    tmp_path: Path, error: BaseException
) -> None:
    def worker(payloads: list[int]) -> Iterator[tuple[int, Arrays]]:
        yield from Squarer([])(payloads[1:])
        raise error

    store = Slow(tmp_path, lambda: time.sleep(0.02))
    with pytest.raises(type(error)):
        complete(tasks(1, 2, 3), lambda: worker, store)
    assert len(list((tmp_path / "items").glob("*/*.npz"))) == 2
    assert not any(thread.name.startswith("writer") for thread in threading.enumerate())


def test_a_full_disk_ends_the_worker_with_its_own_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("_tally", "_computed"):
        monkeypatch.setattr(runs, name, {})
    room = iter([True, True])
    ended = threading.Event()

    def wait() -> None:
        if not next(room, False):
            raise DiskFullError(tmp_path)

    def worker(payloads: list[int]) -> Iterator[tuple[int, Arrays]]:
        try:
            for index, value in enumerate(payloads):
                time.sleep(0.01)
                yield index, {"square": np.array(value**2)}
        finally:
            ended.set()

    with pytest.raises(DiskFullError):
        complete(tasks(*range(1000)), lambda: worker, Slow(tmp_path, wait))
    assert ended.is_set(), "before the error is reported"
    assert len(list((tmp_path / "items").glob("*/*.npz"))) == 2
    assert runs.standing() == "2 of 1000 frames"


def test_a_full_disk_is_told_also_of_the_last_result(tmp_path: Path) -> None:
    def wait() -> None:
        raise DiskFullError(tmp_path)

    with pytest.raises(DiskFullError):
        complete(tasks(1), lambda: Squarer([]), Slow(tmp_path, wait))


def test_an_unanswered_task_is_an_error(tmp_path: Path) -> None:
    def lazy() -> Callable[[list[int]], Iterator[tuple[int, Arrays]]]:
        return lambda payloads: iter([(0, {"square": np.array(0)})])

    with pytest.raises(UserError, match="1 of 2"):
        complete(tasks(1, 2), lazy, Store(tmp_path))


def test_what_a_worker_yields_beside_is_kept_under_its_own_key(tmp_path: Path) -> None:
    def worker(payloads: list[int]) -> Iterator[tuple[int, Arrays]]:
        for index, value in enumerate(payloads):
            own, cube = np.array(value**2), np.array(value**3)
            yield index, {"square": own, "cube/value": cube, "nobody's/value": cube}

    store = Store(tmp_path)
    store.put("cube of 3", {"value": np.array(-1)})
    wanted = [Task(key(n=n), n, siblings={"cube": f"cube of {n}"}) for n in (2, 3)]
    results = complete(wanted, lambda: worker, store)
    assert squares(results) == [4, 9]
    assert [set(arrays) for arrays in results] == [{"square"}, {"square"}]
    found = store.get("cube of 2")
    assert found is not None
    assert {name: int(array) for name, array in found.items()} == {"value": 8}
    assert int((store.get("cube of 3") or {})["value"]) == -1, "what is there stays"
    # A sibling that is gone makes nothing missing.
    next(tmp_path.glob("items/*/cube of 2.npz")).unlink()
    complete(wanted, lambda: pytest.fail("loaded for nothing"), store)


def test_an_unknown_executor_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLMVS_EXECUTOR", "slurm")
    with pytest.raises(UserError, match="slurm"):
        complete(tasks(1), lambda: Squarer([]), Store(tmp_path))

"""Results go to disk behind the computation's back, in order, and never too many at once."""

import threading

import numpy as np
import pytest

from stages.work import writer
from stages.work.items import Arrays
from stages.work.writer import Writer


def array(size: int) -> Arrays:
    return {"a": np.zeros(size, np.uint8)}


class Disk:
    """Takes results one by one as it is let; breaks at one if told to."""

    def __init__(self, broken_at: int | None = None) -> None:
        self.free = threading.Semaphore(0)
        self.held: list[int] = []
        self.broken_at = broken_at

    def write(self, what: int, arrays: Arrays) -> None:
        assert self.free.acquire(timeout=10)
        if what == self.broken_at:
            raise OSError("broken")
        self.held.append(what)


@pytest.fixture
def disk() -> Disk:
    return Disk()


def put_in_a_thread(to: Writer[int], what: int, arrays: Arrays) -> threading.Thread:
    thread = threading.Thread(target=to.put, args=(what, arrays), daemon=True)
    thread.start()
    return thread


@pytest.mark.parametrize(
    ("results", "size", "room"), [(3, 1, 3), (100, 40, 2), (100, 1000, 1)], ids=str
)
def test_no_more_than_the_bounds_is_on_its_way(
    disk: Disk, monkeypatch: pytest.MonkeyPatch, results: int, size: int, room: int
) -> None:
    monkeypatch.setattr(writer, "RESULTS", results)
    monkeypatch.setattr(writer, "BYTES", 100)
    with Writer(disk.write) as to:
        for what in range(room):
            to.put(what, array(size))
        waits = put_in_a_thread(to, room, array(size))
        waits.join(0.1)
        assert waits.is_alive()
        disk.free.release()
        waits.join(10)
        assert not waits.is_alive()
        disk.free.release(room)
    assert disk.held == [*range(room + 1)]


def test_all_is_written_at_the_end_of_the_block(disk: Disk) -> None:
    disk.free.release(20)
    with Writer(disk.write) as to:
        for what in range(20):
            to.put(what, array(1))
    assert disk.held == [*range(20)]


def test_all_is_written_where_the_block_raises(disk: Disk) -> None:
    disk.free.release(20)
    with pytest.raises(KeyboardInterrupt), Writer(disk.write) as to:
        for what in range(20):
            to.put(what, array(1))
        raise KeyboardInterrupt
    assert disk.held == [*range(20)]


def test_an_error_of_the_thread_is_raised_by_the_next_put_or_the_end() -> None:
    disk = Disk(broken_at=1)
    disk.free.release(3)
    put: list[int] = []
    with pytest.raises(OSError, match="broken"), Writer(disk.write) as to:
        for what in range(3):
            put.append(what)
            to.put(what, array(1))
    assert disk.held in ([0], [0, 2]), "what was handed over before it was known is tried"


def test_an_error_of_the_block_is_not_hidden_by_one_of_the_thread() -> None:
    disk = Disk(broken_at=0)
    with pytest.raises(ValueError, match="the block's"), Writer(disk.write) as to:
        to.put(0, array(1))
        disk.free.release()
        raise ValueError("the block's")

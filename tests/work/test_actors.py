"""Ray's actors: as many as find room, and their errors as those of this process."""

import logging
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stages.errors import UserError
from stages.work import workers
from stages.work.actors import dealt
from stages.work.executor import Task, complete
from stages.work.files import DiskFullError
from stages.work.items import Arrays
from stages.work.store import Store, key


@pytest.mark.parametrize(
    ("payloads", "workers", "gpus", "each", "expected"),
    [
        (3, None, 8, 1, (3, 1)),  # three batches on eight cards
        (100, None, 8, 1, (8, 1)),
        (100, None, 8, 2, (4, 2)),
        (100, None, 8, 3, (2, 3)),
        (100, None, 1, 1, (1, 1)),
        (100, 3, 8, 1, (3, 1)),  # the others are left to others
        (100, 3, 8, None, (3, 2)),  # or may be wanted
        (2, 3, 8, None, (2, 2)),
        (100, 3, 2, 1, (3, 0.5)),  # two thirds of a card each would not find room
        (100, 7, 3, 1, (7, 0.3333)),
        (1, 3, 2, 1, (1, 0.5)),
        (100, None, 1, 2, (1, 1)),  # what does not fit is refused where it is placed
    ],
)
def test_every_actor_finds_room_beside_the_others(
    payloads: int, workers: int | None, gpus: int, each: int | None, expected: tuple[int, float]
) -> None:
    count, options = dealt(payloads, workers, gpus, each, cpus=4)
    share = options["num_gpus"]
    assert (count, share) == expected
    assert options["num_cpus"] * count <= 4
    if share >= 1:  # of cards Ray hands out whole ones, or parts of one
        assert share == int(share)
        assert count * share <= gpus
    else:
        assert -(-count // gpus) * share <= 1


def test_without_cards_there_are_as_many_workers_as_asked_for_and_one_unasked() -> None:
    assert dealt(100, None, 0, None, cpus=4) == (1, {"num_cpus": 1})
    assert dealt(100, 3, 0, 1, cpus=4) == (3, {"num_cpus": 1})
    assert dealt(100, 3, 0, 1, cpus=2) == (3, {"num_cpus": 0.6666})


def test_more_workers_than_cards_hold_models_are_refused() -> None:
    with pytest.raises(UserError, match=r"LLMVS_WORKERS=5: the model takes 2 cards.*at most 4"):
        dealt(100, 5, 8, 2, cpus=4)


class Squarer:
    def __call__(self, payloads: list[int]) -> Iterator[tuple[int, Arrays]]:
        for index in reversed(range(len(payloads))):
            yield index, {"square": np.array(payloads[index] ** 2)}


def tasks(*values: int) -> list[Task[int]]:
    return [Task(key(n=value), value) for value in values]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Ray with two processors and eight cards that are none."""
    ray = pytest.importorskip("ray", reason="Ray is an optional extra")
    # Test modules are not importable inside an actor.
    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
    ray.init(num_cpus=2, num_gpus=8, logging_level=logging.ERROR, include_dashboard=False)
    yield ray
    ray.shutdown()
    ray.cloudpickle.unregister_pickle_by_value(sys.modules[__name__])


@pytest.fixture
def spread(cluster: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("LLMVS_EXECUTOR", "ray")
    monkeypatch.delenv("LLMVS_WORKERS", raising=False)
    return cluster


@pytest.mark.parametrize("asked", [None, "2", "9"])
def test_ray_gives_what_serial_gives(
    spread: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: str | None
) -> None:
    """Three batches on eight cards and two processors."""
    if asked is not None:
        monkeypatch.setenv("LLMVS_WORKERS", asked)
    results = complete(tasks(0, 1, 2), Squarer, Store(tmp_path))
    assert [int(arrays["square"]) for arrays in results] == [0, 1, 4]


def test_cards_are_those_of_the_cluster(spread: Any) -> None:
    assert workers.cards() == 8


def refuse() -> Callable[[list[int]], Iterator[tuple[int, Arrays]]]:
    raise UserError("model: its weights are 26.0 GB, and the GPU has 24.0")


def fill() -> Callable[[list[int]], Iterator[tuple[int, Arrays]]]:
    raise DiskFullError("/cache/model", 26, 3)


def stumble(payloads: list[int]) -> Iterator[tuple[int, Arrays]]:
    yield 0, {"square": np.array(0)}
    raise UserError("out of memory with a single image")


def test_an_error_in_an_actor_is_the_one_message_it_was_raised_with(
    spread: Any, tmp_path: Path
) -> None:
    with pytest.raises(UserError) as refused:
        complete(tasks(1, 2, 3), refuse, Store(tmp_path))
    assert type(refused.value) is UserError
    assert str(refused.value) == "model: its weights are 26.0 GB, and the GPU has 24.0"
    with pytest.raises(UserError) as stumbled:
        complete(tasks(1, 2, 3, 4), lambda: stumble, Store(tmp_path))
    assert str(stumbled.value) == "out of memory with a single image"
    with pytest.raises(DiskFullError) as full:
        complete(tasks(1), fill, Store(tmp_path / "other"))
    assert (full.value.filename, full.value.needed, full.value.free) == ("/cache/model", 26, 3)


def test_what_was_answered_before_an_error_is_kept(spread: Any, tmp_path: Path) -> None:
    with pytest.raises(UserError):
        complete(tasks(5, 6), lambda: stumble, Store(tmp_path))
    assert key(n=5) in Store(tmp_path) or key(n=6) in Store(tmp_path)


def test_a_worker_that_is_killed_is_one_message(spread: Any, tmp_path: Path) -> None:
    def die() -> Any:
        import os

        os._exit(9)

    with pytest.raises(UserError, match=r"a worker was killed.*LLMVS_WORKERS.*run again"):
        complete(tasks(1), die, Store(tmp_path))


@pytest.mark.parametrize("asked", ["0", "-1", "two", "1.5"])
def test_a_number_of_workers_that_is_none_is_named(
    spread: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: str
) -> None:
    monkeypatch.setenv("LLMVS_WORKERS", asked)
    with pytest.raises(UserError, match=f"LLMVS_WORKERS={asked}: must be a whole number"):
        complete(tasks(1), Squarer, Store(tmp_path))

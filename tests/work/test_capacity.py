"""How many workers find room in a cluster, and what they are given."""

import pytest

from stages.errors import UserError
from stages.work.capacity import Share, dealt, holding, stated
from stages.work.cluster import Node
from stages.work.portions import portions


def machines(*sizes: tuple[float, int]) -> list[Node]:
    """Of so many processors and cards each."""
    return [Node(str(place), "", cpus, gpus) for place, (cpus, gpus) in enumerate(sizes)]


ONE, TWO = [(4.0, 8)], [(8.0, 4), (8.0, 4)]


@pytest.mark.parametrize(
    ("of", "workers", "each", "expected"),
    [
        (ONE, None, 1, (8, 1)),
        (ONE, None, 2, (4, 2)),
        (ONE, None, 3, (2, 3)),
        ([(4.0, 1)], None, 1, (1, 1)),
        (ONE, 3, 1, (3, 1)),  # the others are left to others
        (ONE, 3, None, (3, 2)),  # or may be wanted
        ([(4.0, 2)], 3, 1, (3, 0.5)),  # two thirds of a card each would not find room
        ([(4.0, 3)], 7, 1, (7, 0.3333)),
        ([(4.0, 1)], None, 2, (1, 1)),  # what does not fit is refused where it is placed
        (TWO, None, 1, (8, 1)),
        (TWO, None, 3, (2, 3)),  # a worker's cards are on one machine
        ([(4.0, 0), (4.0, 2)], None, None, (2, 1)),
    ],
)
def test_every_worker_finds_room_beside_the_others(
    of: list[tuple[float, int]],
    workers: int | None,
    each: int | None,
    expected: tuple[int, float],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("LLMVS_WORKER_CPUS", raising=False)
    count, share = dealt(machines(*of), workers, each, threads=4)
    assert (count, share.gpus) == expected
    found = sum(
        min(int(gpus / share.gpus + 1e-6), int(cpus / share.cpus + 1e-6)) for cpus, gpus in of
    )
    assert found >= count


def test_without_cards_workers_have_this_process_threads_on_every_machine_that_has_as_many() -> (
    None
):
    assert dealt(machines((4, 0), (9, 0)), None, None, threads=4) == (3, Share(4))
    assert dealt(machines((2, 0), (2, 0)), None, None, threads=8) == (2, Share(2))
    assert dealt(machines((4, 0), (4, 0)), 4, None, threads=4) == (4, Share(2))
    assert dealt(machines((2, 0)), 3, None, threads=1) == (3, Share(0.5))


def test_more_workers_than_cards_hold_models_are_refused() -> None:
    with pytest.raises(UserError, match=r"LLMVS_WORKERS=5: the model takes 2 cards.*at most 4"):
        dealt(machines(*ONE), 5, 2, threads=1)


@pytest.mark.parametrize("said", ["0", "-1", "two", "1.5"])
def test_a_share_of_processors_that_is_none_is_named(
    said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLMVS_WORKER_CPUS", said)
    with pytest.raises(UserError, match=f"LLMVS_WORKER_CPUS={said}: must be a whole number"):
        stated()


def test_what_costs_most_is_first_in_the_queue() -> None:
    found = portions([3, 1, 5, 2, 4], 1, 2)
    assert [portion.places for portion in found] == [(2,), (4,), (0,), (3,), (1,)]


@pytest.mark.parametrize(("count", "size"), [(10, 2), (31, 2), (64, 8), (10_000, 8)])
def test_a_share_is_larger_only_where_every_worker_has_several(count: int, size: int) -> None:
    found = portions([1.0] * count, 2, 2)
    assert max(len(portion.places) for portion in found) == size
    assert sorted(place for portion in found for place in portion.places) == list(range(count))


def test_a_share_stays_what_it_is_while_machines_come_and_go() -> None:
    assert holding(machines((4, 0), (9, 0)), Share(4)) == 3
    assert holding(machines((4, 8), (4, 4)), Share(1, 2)) == 6
    assert holding(machines((4, 0)), Share(1, 2)) == 1, "it waits for a machine with cards"
    assert holding([], Share(2)) == 1

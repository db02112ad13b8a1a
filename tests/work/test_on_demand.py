"""Values made when they are asked for, and kept where there is room for all."""

import pickle

import pytest

from stages.work.on_demand import InTurn, OnDemand


class Lengths(OnDemand[int]):
    """The lengths of names, each as large as it is long; says which it made."""

    def __init__(self, names: list[str], room: int) -> None:
        super().__init__(names, room)
        self.made: list[str] = []

    def make(self, name: str) -> int:
        self.made.append(name)
        return len(name)

    def size(self, value: int) -> int:
        return value


def test_nothing_is_made_before_it_is_asked_for() -> None:
    lengths = Lengths(["a", "bbb"], room=10)
    assert (len(lengths), list(lengths), "bbb" in lengths, "c" in lengths) == (
        *(2, ["a", "bbb"], True, False),
    )
    assert lengths.made == []
    with pytest.raises(KeyError):
        lengths["c"]
    assert lengths.made == []


def test_all_stay_where_there_is_room_for_all() -> None:
    lengths = Lengths(["aa", "bbb", "cc"], room=7)
    assert [*lengths.values(), *lengths.values()] == [2, 3, 2, 2, 3, 2]
    assert lengths.made == ["aa", "bbb", "cc"]


def test_none_stays_where_the_room_is_full() -> None:
    lengths = Lengths(["aa", "bbb", "cc"], room=6)
    assert [*lengths.values(), *lengths.values()] == [2, 3, 2, 2, 3, 2]
    assert lengths.made == ["aa", "bbb", "cc", "aa", "bbb", "cc"]


def test_that_all_will_not_fit_is_told_by_the_first() -> None:
    names = [f"video_{number:03}" for number in range(100)]
    lengths = Lengths(names, room=900)
    list(lengths.values())
    assert len(lengths["video_000"] * "x") == 9
    assert lengths.made.count("video_000") == 1
    lengths = Lengths(names, room=899)
    for name in names[:8]:
        assert lengths[name] == lengths[name]
    assert lengths.made == [*(name for name in names[:7]), names[7], names[7]]


def test_another_process_is_handed_what_was_kept() -> None:
    lengths = Lengths(["aa", "bbb"], room=5)
    list(lengths.values())
    other = pickle.loads(pickle.dumps(lengths))
    assert (other["aa"], other["bbb"], other.made) == (2, 3, ["aa", "bbb"])


def test_values_in_turn_are_asked_for_by_place() -> None:
    lengths = Lengths(["a", "bbb", "cc"], room=0)
    row = InTurn(lengths)
    assert (row[1], row[-1], len(row), list(row[:2])) == (3, 2, 3, [1, 3])
    assert row.by_name is lengths

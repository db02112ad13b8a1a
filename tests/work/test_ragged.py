"""Arrays as parts of a long one."""

import pickle

import numpy as np
import pytest

from stages.work.ragged import Ragged, RaggedByName


def test_arrays_come_back_as_they_were() -> None:
    arrays = [np.arange(6).reshape(3, 2), np.empty((0, 2), dtype=np.int64), np.ones((1, 2), int)]
    ragged = Ragged(arrays)
    for found in (ragged, pickle.loads(pickle.dumps(ragged))):
        assert [part.tolist() for part in found] == [array.tolist() for array in arrays]
        assert {part.dtype for part in found} == {np.dtype(np.int64)}
        found.append(np.array([[7, 8]]))
        assert (found[3].tolist(), len(found)) == ([[7, 8]], 4)
    assert list(Ragged()) == list(pickle.loads(pickle.dumps(Ragged()))) == []


def test_what_was_taken_out_stays_while_more_is_added() -> None:
    ragged = Ragged([np.array([1.0, 2.0])])
    first = ragged[0]
    for number in range(100):
        ragged.append(np.full(number, float(number)))
    assert first.tolist() == ragged[0].tolist() == [1.0, 2.0]
    assert [len(part) for part in ragged] == [2, *range(100)]


def test_pickled_it_is_no_larger_than_its_numbers() -> None:
    ragged = Ragged(np.zeros(1000) for _ in range(5))
    assert len(pickle.dumps(ragged)) < 5 * 8000 + 1000


@pytest.mark.parametrize("other", [np.zeros((1, 3)), np.zeros((1, 2), int), np.zeros(2)])
def test_another_kind_of_array_is_refused(other: np.ndarray) -> None:
    with pytest.raises(ValueError, match="among float64"):
        Ragged([np.zeros((1, 2)), other])


def test_arrays_by_name() -> None:
    found = RaggedByName([("b", np.array([1, 2])), ("a", np.array([3]))])
    assert {name: each.tolist() for name, each in found.items()} == {"b": [1, 2], "a": [3]}
    assert (list(found), found.get("c")) == (["b", "a"], None)

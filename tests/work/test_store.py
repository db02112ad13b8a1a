import multiprocessing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.work.store import Store, key

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()


@given(st.dictionaries(st.text(min_size=1), SCALARS, min_size=1))
def test_a_key_does_not_depend_on_the_order_of_its_determinants(values: dict[str, Any]) -> None:
    assert key(a=values) == key(a=dict(reversed(list(values.items()))))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, "1"),
        (1, 1.0),
        (b"x", "x"),
        (["ab"], ["a", "b"]),
        ({"a": 1}, [["a", 1]]),
        (np.zeros(4, np.float32), np.zeros((2, 2), np.float32)),
        (np.zeros(2, np.int32), np.zeros(1, np.int64)),
        (None, "null"),
    ],
)
def test_different_determinants_have_different_keys(one: Any, other: Any) -> None:
    assert key(value=one) != key(value=other)


def test_a_key_refuses_what_it_cannot_spell() -> None:
    with pytest.raises(TypeError, match="object"):
        key(value=object())


def test_what_was_put_comes_back(tmp_path: Path) -> None:
    store = Store(tmp_path)
    arrays = {"text": np.array(["a", "é"]), "x_TD": np.arange(6, dtype=np.float32).reshape(2, 3)}
    assert store.get(key(n=1)) is None
    store.put(key(n=1), arrays)
    found = Store(tmp_path).get(key(n=1))
    assert found is not None
    assert set(found) == set(arrays)
    for name in arrays:
        np.testing.assert_array_equal(found[name], arrays[name])
        assert found[name].dtype == arrays[name].dtype


def test_the_store_lies_in_the_main_checkout_during_an_experiment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    assert Store.default().root == tmp_path / ".work"
    monkeypatch.delenv("DVC_ROOT")
    assert Store.default().root == Path(".work")


def _churn(root: str, rounds: int) -> None:
    """Put and get a few keys over and over, as an experiment of a queue does."""
    store = Store(Path(root))
    for turn in range(rounds):
        for n in range(6):
            store.put(key(n=n), {"x": np.full(2000, n), "turn": np.array(turn)})
            found = store.get(key(n=n))
            assert found is not None, "an entry was seen half written"
            np.testing.assert_array_equal(found["x"], np.full(2000, n))


def test_processes_that_write_the_same_keys_never_see_half_an_entry(tmp_path: Path) -> None:
    spawned = multiprocessing.get_context("spawn")
    workers = [spawned.Process(target=_churn, args=(str(tmp_path), 40)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0]
    assert len(list(tmp_path.glob("items/*/*.npz"))) == 6
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".npz"]

"""A damaged item is none, or is what was put: never something else, never an exception."""

from pathlib import Path

import numpy as np
import pytest

from stages.resilience import damage
from stages.work.store import Store, key


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A work store of a few items of several kinds and sizes."""
    kept = Store(tmp_path)
    random = np.random.default_rng(0)
    for n in range(6):
        x_TD = random.normal(size=(n + 1, 64)).astype(np.float32)
        kept.put(key(n=n), {"x_TD": x_TD, "said": np.array(f"a caption, number {n}")})
    return tmp_path


def content(store: Path) -> dict[Path, tuple[bytes, int]]:
    return {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in damage.items(store)}


@pytest.mark.parametrize("kind", damage.kinds())
def test_the_store_stands_every_kind_of_damage(store: Path, kind: str) -> None:
    tried = [trial for trial in damage.asked(store, 60, seed=0) if trial.of == kind]
    assert tried
    assert [trial for trial in tried if trial.faults] == []


def test_every_item_is_as_it_was_when_the_trials_are_over(store: Path) -> None:
    before = content(store)
    tried = list(damage.asked(store, 60, seed=1))
    assert len(tried) == 60
    assert {trial.of for trial in tried} == set(damage.kinds())
    assert content(store) == before


def test_what_is_drawn_follows_from_the_seed(store: Path) -> None:
    first, again, other = (list(damage.asked(store, 20, seed=seed)) for seed in (3, 3, 4))
    assert first == again
    assert first != other


def test_arrays_are_the_same_to_the_bit_or_not_at_all() -> None:
    put = {"x": np.array([0.0, np.nan], np.float32)}
    assert damage.same({"x": put["x"].copy()}, put)
    assert not damage.same({"x": np.array([-0.0, np.nan], np.float32)}, put)
    assert not damage.same({"x": put["x"].astype(np.float64)}, put)
    assert not damage.same({"x": put["x"][None]}, put)
    assert not damage.same({**put, "y": put["x"]}, put)
    assert not damage.same(None, put)

"""Videos are sorted by how far they moved, frames chosen by how far their places differ."""

import numpy as np
import pytest

from stages.pages.comparison.movements import disagreements, farthest, movements
from stages.pages.ranks import ranks

ONE = {"a": np.array([0.1, 0.3]), "b": np.array([0.5, 0.5]), "c": np.array([0.2, 0.2])}
OTHER = {"a": np.array([0.4, 0.4]), "b": np.array([0.1, 0.3]), "c": np.array([0.2, 0.2])}


def test_the_greatest_gain_comes_first_with_its_range_over_seeds() -> None:
    moved = movements(ONE, OTHER, True)
    assert [of.video for of in moved] == ["a", "c", "b"]
    assert moved[0].difference == pytest.approx(0.2)
    assert (moved[0].low, moved[0].high) == pytest.approx((0.1, 0.3))


def test_without_pairs_of_seeds_there_is_no_range() -> None:
    single = {video: taus[:1] for video, taus in ONE.items()}
    for moved in (movements(single, single, True), movements(ONE, OTHER, False)):
        assert all(of.low is of.high is None for of in moved)


def test_only_videos_that_moved_are_the_farthest_and_each_once() -> None:
    moved = movements(ONE, OTHER, True)
    assert [of.video for of in farthest(moved, 3)] == ["a", "b"]
    assert farthest(movements(ONE, ONE, True), 3) == []


def test_places_forget_the_scale_and_halve_ties() -> None:
    assert ranks([10, 30, 20]).tolist() == [0, 1, 0.5]
    assert ranks([0.1, 0.3, 0.2]).tolist() == [0, 1, 0.5]
    assert ranks([1, 1, 5]).tolist() == [0.25, 0.25, 1]
    assert ranks([7]).tolist() == [0.5]


def test_frames_of_disagreement_are_apart_and_in_order_of_time() -> None:
    one = np.arange(12.0)
    other = one.copy()
    other[[0, 11]] = other[[11, 0]]
    assert disagreements(one, other) == [0, 11]
    assert disagreements(one, one) == []
    assert disagreements(one, -one, most=2, apart=20) == [0]
    near = one.copy()
    near[[5, 6]] = [50, -50]
    assert len(disagreements(one, near, most=2, apart=3)) == 2
    assert np.diff(disagreements(one, near, most=2, apart=3)).min() >= 3

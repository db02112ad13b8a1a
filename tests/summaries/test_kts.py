"""Segmentation finds the points of the straightforward programme, in a fraction of its time."""

import time
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from summary_oracles import objective, slow_change_points

from stages.errors import UserError
from stages.summaries.kts import change_points, fixed


def scenes(
    generator: np.random.Generator, count: int, width: int, noise: float, unit: bool
) -> np.ndarray:
    """Features that stay near one point for some frames, then jump."""
    means = np.repeat(generator.normal(size=(count, width)), generator.integers(1, 12, count), 0)
    features = means[:count] + noise * generator.normal(size=(count, width))
    if unit:
        features /= np.linalg.norm(features, axis=1, keepdims=True)
    return np.asarray(features)


@settings(deadline=None, max_examples=150)
@given(
    seed=st.integers(0, 2**32 - 1),
    count=st.integers(1, 45),
    width=st.integers(1, 8),
    noise=st.sampled_from([0.05, 0.5, 2.0]),
    unit=st.booleans(),
    offset=st.sampled_from([0.0, 30.0]),
    penalty=st.sampled_from([0.0, 0.05, 0.3, 1.0, 4.0, 50.0]),
    max_shots=st.sampled_from([None, None, 1, 2, 5, 100]),
)
def test_the_points_are_those_of_the_plain_programme(
    seed: int,
    count: int,
    width: int,
    noise: float,
    unit: bool,
    offset: float,
    penalty: float,
    max_shots: int | None,
) -> None:
    features = scenes(np.random.default_rng(seed), count, width, noise, unit) + offset
    found = change_points(features, max_shots, penalty)
    expected = slow_change_points(features, max_shots, penalty)
    if not np.array_equal(found, expected):
        # One-dimensional unit vectors are ±1, where many segmentations are equally good.
        assert objective(features, found, penalty) == pytest.approx(
            objective(features, expected, penalty), abs=1e-10
        )
        assert len(found) <= len(expected)


@settings(deadline=None, max_examples=100)
@given(st.lists(st.sampled_from([0, 1, 2, 5]), min_size=1, max_size=30), st.booleans())
def test_repeated_frames_are_as_good_as_the_plain_programme_finds(
    values: list[int], limited: bool
) -> None:
    features = np.array(values, dtype=float)[:, None]
    limit = 3 if limited else None
    found = change_points(features, limit)
    assert objective(features, found, 1.0) == pytest.approx(
        objective(features, slow_change_points(features, limit, 1.0), 1.0), abs=1e-10
    )


@settings(deadline=None)
@given(
    st.lists(st.integers(1, 12), min_size=1, max_size=30),
    st.integers(0, 2**32 - 1),
    st.sampled_from([0.0, 1e-9, 1.0]),
)
def test_still_scenes_are_cut_where_they_change_and_never_by_rounding(
    lengths: list[int], seed: int, penalty: float
) -> None:
    pictures = 20 * np.random.default_rng(seed).normal(size=(len(lengths), 16))
    shots = change_points(np.repeat(pictures, lengths, axis=0), penalty=penalty)
    ends = np.cumsum(lengths)
    assert shots.tolist() == [
        [end - length, end - 1] for end, length in zip(ends, lengths, strict=True)
    ]


def test_a_still_video_is_one_shot_whatever_the_penalty() -> None:
    still = np.full((50, 7), 0.1)
    for penalty in (0.0, 1e-9, 1.0):
        assert change_points(still, penalty=penalty).tolist() == [[0, 49]]


def test_one_frame_is_one_shot() -> None:
    assert change_points([[1.0, 2.0]]).tolist() == [[0, 0]]


def test_a_larger_penalty_means_no_more_shots() -> None:
    features = scenes(np.random.default_rng(3), 120, 16, 0.5, unit=True)
    counts = [len(change_points(features, penalty=penalty)) for penalty in (0.1, 0.5, 1, 2, 5)]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > counts[-1]


@pytest.mark.parametrize(
    ("features", "settings_", "complaint"),
    [
        (np.zeros((0, 4)), {}, "neither zero"),
        (np.zeros(4), {}, "shape"),
        (np.array([[0.0], [np.nan]]), {}, "frame 1"),
        (np.zeros((3, 1)), {"penalty": -1.0}, "penalty"),
        (np.zeros((3, 1)), {"max_shots": 0}, "max_shots"),
    ],
)
def test_bad_input_is_named(
    features: np.ndarray, settings_: dict[str, float], complaint: str
) -> None:
    with pytest.raises(UserError, match=complaint):
        change_points(features, **settings_)  # type: ignore[arg-type]


def test_it_takes_a_small_fraction_of_the_plain_time_for_the_same_points() -> None:
    features = scenes(np.random.default_rng(1), 300, 64, 0.7, unit=True)
    began = time.perf_counter()
    expected = slow_change_points(features, None, 1.0)
    plain = time.perf_counter() - began
    times = []
    for _ in range(3):  # the least of three, for a machine that is busy with something else
        began = time.perf_counter()
        found = change_points(features)
        times.append(time.perf_counter() - began)
    assert min(times) < plain / 5
    assert found.tolist() == expected.tolist()


def scatter(features: np.ndarray, ends: tuple[int, ...]) -> float:
    """Squared distances to the means of the runs that end before each of `ends`, summed."""
    runs = np.split(features, ends)
    return float(sum(((run - run.mean(axis=0)) ** 2).sum() for run in runs))


@settings(deadline=None, max_examples=80)
@given(
    seed=st.integers(0, 2**32 - 1),
    count=st.integers(1, 9),
    width=st.integers(1, 4),
    noise=st.sampled_from([0.0, 0.5]),
    shots=st.integers(1, 11),
)
def test_a_fixed_number_of_shots_is_the_best_of_all_there_are(
    seed: int, count: int, width: int, noise: float, shots: int
) -> None:
    features = scenes(np.random.default_rng(seed), count, width, noise, unit=False)
    found = fixed(features, shots)
    wanted = min(shots, count)
    assert len(found) == wanted
    assert (found[0, 0], found[-1, 1]) == (0, count - 1)
    np.testing.assert_array_equal(found[1:, 0], found[:-1, 1] + 1)
    best = min(scatter(features, ends) for ends in combinations(range(1, count), wanted - 1))
    assert scatter(features, tuple(found[1:, 0])) == pytest.approx(best, abs=1e-9)


def test_the_number_that_the_penalty_chooses_is_cut_at_the_same_points() -> None:
    features = scenes(np.random.default_rng(5), 80, 16, 0.3, unit=True)
    chosen = change_points(features, penalty=0.3)
    assert 1 < len(chosen) < 80
    np.testing.assert_array_equal(fixed(features, len(chosen)), chosen)


def test_no_shot_at_all_is_refused() -> None:
    with pytest.raises(UserError, match="at least 1 shot"):
        fixed(np.zeros((3, 1)), 0)

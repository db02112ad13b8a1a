"""p-values are those of swapping marks, uniform under the null, and corrected for their number."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from stages.metrics import intervals as intervals_module
from stages.metrics import paired as paired_module
from stages.metrics.intervals import bootstrap
from stages.metrics.paired import holm, paired, permutation_p


def slow_p(differences: list[float], weights: list[float]) -> float:
    observed = abs(sum(w * d for w, d in zip(weights, differences, strict=True)))
    found = []
    for signs in itertools.product((1, -1), repeat=len(differences)):
        total = sum(s * w * d for s, w, d in zip(signs, weights, differences, strict=True))
        found.append(abs(total) >= observed - 1e-9)
    return float(np.mean(found))


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(st.integers(-5, 5), st.sampled_from([1.0, 2.0, 3.0])), min_size=1, max_size=8
    )
)
def test_it_tries_every_assignment_of_signs(videos: list[tuple[int, float]]) -> None:
    differences, weights = [float(d) for d, _ in videos], [w for _, w in videos]
    assert permutation_p(differences, weights) == pytest.approx(slow_p(differences, weights))


@pytest.mark.parametrize("seed", range(5))
def test_it_agrees_with_scipy_on_small_samples(seed: int) -> None:
    generator = np.random.default_rng(seed)
    one, other = generator.normal(0.2, 0.3, 9), generator.normal(0.0, 0.3, 9)
    expected = stats.permutation_test(
        (one, other), lambda x, y: np.mean(x - y), permutation_type="samples", n_resamples=np.inf
    )
    assert permutation_p(one - other) == pytest.approx(float(expected.pvalue))


def test_drawn_signs_come_close_to_all_of_them() -> None:
    differences = np.random.default_rng(1).normal(0.25, 1, 13)
    exact, drawn = permutation_p(differences), permutation_p(differences, draws=8000)
    assert exact != drawn
    assert drawn == pytest.approx(exact, abs=0.02)


@pytest.mark.parametrize(("videos", "draws"), [(12, 20_000), (24, 999)])
def test_p_values_are_uniform_where_there_is_nothing_to_find(videos: int, draws: int) -> None:
    """Marks of skewed size that differ by chance alone, weighted: all assignments, and drawn."""
    generator = np.random.default_rng(7)
    found = []
    for seed in range(400):
        sizes = generator.exponential(1.0, videos) * generator.choice([-1.0, 1.0], videos)
        weights = generator.choice([1.0, 2.0], videos)
        found.append(permutation_p(sizes, weights, draws=draws, seed=seed))
    assert stats.kstest(found, "uniform").pvalue > 0.01
    assert np.mean(np.array(found) <= 0.05) == pytest.approx(0.05, abs=0.03)


def test_a_difference_on_every_video_is_found_and_never_impossible() -> None:
    differences = np.full(24, 0.1)
    assert permutation_p(differences, draws=999) == pytest.approx(1 / 1000)
    assert permutation_p(np.full(5, 0.1)) == 2 / 2**5


def test_rows_that_never_differ_have_nothing_to_test() -> None:
    assert permutation_p(np.zeros(30)) == 1
    same = paired([0.1, 0.2], [0.1, 0.2])
    assert same == (0, 0, 0, 1)


def test_videos_without_a_difference_change_nothing() -> None:
    differences = [0.3, -0.1, 0.2]
    assert permutation_p(differences) == permutation_p([*differences, *[0.0] * 40])


def test_the_same_input_gives_the_same_value() -> None:
    differences = np.random.default_rng(3).normal(size=40)
    assert permutation_p(differences) == permutation_p(differences)


def test_a_pair_has_its_weighted_difference_inside_its_interval() -> None:
    generator = np.random.default_rng(9)
    one, other = generator.random(30) + 0.2, generator.random(30)
    weights = generator.choice([1.0, 3.0], 30)
    found = paired(one, other, weights)
    assert found.difference == pytest.approx(np.average(one - other, weights=weights))
    assert 0 < found.low < found.difference < found.high
    assert found.p < 0.05


def test_holm_by_hand() -> None:
    """Four tests: .005 x 4, .01 x 3, .03 x 2, .04 x 1 lifted to its predecessor's .06."""
    given_p = {"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005}
    assert holm(given_p) == pytest.approx({"a": 0.03, "b": 0.06, "c": 0.06, "d": 0.02})
    assert list(holm(given_p)) == list(given_p)
    assert holm({"a": 0.7, "b": 0.8}) == {"a": 1, "b": 1}
    assert holm({}) == {}


def test_thousands_of_videos_are_drawn_for_as_all_at_once_would_be(monkeypatch):
    random = np.random.default_rng(3)
    differences_V = random.normal(0.02, 1, 300)
    whole = permutation_p(differences_V, draws=500), bootstrap(differences_V, resamples=500)
    for module in (paired_module, intervals_module):
        monkeypatch.setattr(module, "at_once", lambda videos: 7)
    parts = permutation_p(differences_V, draws=500), bootstrap(differences_V, resamples=500)
    assert parts[0] == whole[0]
    assert parts[1] == pytest.approx(whole[1], rel=1e-12)

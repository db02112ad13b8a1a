"""Bootstrap intervals cover, are repeatable, and never end in NaN."""

import numpy as np
import pytest

from stages.metrics.intervals import bootstrap, weighted_mean


def slow_percentiles(values: np.ndarray, weights: np.ndarray, draws: int) -> list[float]:
    generator, means = np.random.default_rng(7), []
    for _ in range(draws):
        drawn = [int(generator.integers(len(values))) for _ in values]
        total = sum(values[video] * weights[video] for video in drawn)
        means.append(total / sum(weights[video] for video in drawn))
    return [float(edge) for edge in np.quantile(means, [0.025, 0.975])]


def test_it_is_close_to_resampling_by_hand() -> None:
    generator = np.random.default_rng(0)
    values, weights = generator.normal(0.2, 0.1, 40), generator.choice([1.0, 2.0], 40)
    assert bootstrap(values, weights, resamples=4000) == pytest.approx(
        slow_percentiles(values, weights, 4000), abs=0.01
    )


def test_a_wider_confidence_is_a_wider_interval() -> None:
    values = np.random.default_rng(1).random(20)
    inner, outer = bootstrap(values, confidence=0.5), bootstrap(values, confidence=0.99)
    assert outer.low < inner.low < values.mean() < inner.high < outer.high


def test_the_true_mean_is_covered_about_as_often_as_promised() -> None:
    generator = np.random.default_rng(2)
    intervals = [
        bootstrap(generator.normal(size=30), confidence=0.9, resamples=300) for _ in range(200)
    ]
    covered = np.mean([low <= 0 <= high for low, high in intervals])
    assert 0.82 < covered < 0.96


def test_skewed_marks_are_covered_about_as_often_as_promised() -> None:
    """Exponential differences, as a few videos that move far give; 90 % promised."""
    generator = np.random.default_rng(4)
    draws = generator.exponential(1.0, (400, 40)) - 1.0
    intervals = [bootstrap(draw, confidence=0.9, resamples=500, seed=n)
                 for n, draw in enumerate(draws)]  # fmt: skip
    below = np.mean([high < 0 for _, high in intervals])
    above = np.mean([low > 0 for low, _ in intervals])
    assert 0.84 < 1 - below - above < 0.94
    assert max(below, above) < 0.10  # percentiles miss on one side more often than this


def test_the_same_input_gives_the_same_interval() -> None:
    values = np.random.default_rng(3).random(10)
    assert bootstrap(values) == bootstrap(values)


def test_last_bits_do_not_move_an_interval() -> None:
    """Of 25 videos three differ, so that many a resample has the observed mean but for rounding."""
    values = np.zeros(25)
    values[[3, 11, 19]] = [0.1, 0.2, 0.3]
    low, high = bootstrap(values)
    for bits in range(1, 8):
        moved = bootstrap(values * (1 + bits * np.finfo(np.float64).eps))
        assert moved == pytest.approx((low, high), rel=1e-12)


@pytest.mark.parametrize(
    "values", [[0.3], [0.1, 0.1, 0.1], [0.0, 0.0], [0.0, 0.0, 0.0, 1.0], [0.2, 0.3]]
)
def test_degenerate_samples_still_give_an_interval_around_the_mean(values: list[float]) -> None:
    low, high = bootstrap(values, resamples=200)
    assert low - 1e-12 <= np.mean(values) <= high + 1e-12


def test_weights_broadcast() -> None:
    values = np.array([[1.0, 2.0], [3.0, 6.0]])
    assert weighted_mean(values, np.array([[3.0], [1.0]]), axis=0).tolist() == [1.5, 3.0]

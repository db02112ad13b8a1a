"""Rank correlations equal their definitions, ties and constants included."""

import warnings

import numpy as np
import pytest
from agreement_oracles import slow_rho, slow_tau
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from stages.errors import UserError
from stages.metrics import rank
from stages.metrics.rank import ConstantInput, Rankings, kendall_tau, rhos, spearman_rho, taus

coarse = st.integers(1, 5).map(float)
fine = st.floats(-1e6, 1e6, allow_nan=False)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[list[float], list[float]]:
    size = draw(st.integers(1, 25))
    sides = draw(st.tuples(st.sampled_from([coarse, fine]), st.sampled_from([coarse, fine])))
    a, b = (draw(st.lists(side, min_size=size, max_size=size)) for side in sides)
    return a, b


@given(pairs())
@pytest.mark.filterwarnings("ignore::stages.metrics.rank.ConstantInput")
def test_both_equal_their_definitions(pair: tuple[list[float], list[float]]) -> None:
    assert kendall_tau(*pair) == pytest.approx(slow_tau(*pair), abs=1e-12)
    assert spearman_rho(*pair) == pytest.approx(slow_rho(*pair), abs=1e-12)


def test_both_equal_scipy_on_a_long_video() -> None:
    generator = np.random.default_rng(0)
    a, b = generator.random(1300), generator.integers(1, 6, 1300)
    assert kendall_tau(a, b) == pytest.approx(stats.kendalltau(a, b).statistic, abs=1e-12)
    assert spearman_rho(a, b) == pytest.approx(stats.spearmanr(a, b).statistic, abs=1e-12)


def test_one_against_many_is_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(1)
    one, many = generator.random(60).round(1), generator.integers(1, 6, (7, 60))
    many[3] = 2
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConstantInput)
        expected = [kendall_tau(one, each) for each in many]
        expected_rho = [spearman_rho(one, each) for each in many]
    rankings = Rankings.of(one), Rankings.of(many)
    assert taus(*rankings) == pytest.approx(expected, abs=1e-15)
    assert rhos(*rankings) == pytest.approx(expected_rho, abs=1e-15)
    monkeypatch.setattr(rank, "_LARGEST_TABLE", 0)
    assert taus(*rankings) == pytest.approx(expected, abs=1e-12)
    assert rankings[1].constant.tolist() == [row == 3 for row in range(7)]


@pytest.mark.parametrize("correlation", [kendall_tau, spearman_rho])
@pytest.mark.parametrize(("a", "b"), [([1, 1, 1], [1, 2, 3]), ([1, 2, 3], [0, 0, 0]), ([5], [7])])
def test_a_constant_side_counts_as_zero_and_says_so(
    correlation: object, a: list[float], b: list[float]
) -> None:
    with pytest.warns(ConstantInput, match="counted as 0"):
        assert correlation(a, b) == 0.0  # type: ignore[operator]


@pytest.mark.parametrize("correlation", [kendall_tau, spearman_rho])
@pytest.mark.parametrize(
    ("a", "b", "complaint"),
    [([1, np.nan], [1, 2], "NaN"), ([1, 2], [np.inf, 2], "NaN"), ([1, 2, 3], [1, 2], "3 things")],
)
def test_bad_input_is_named(
    correlation: object, a: list[float], b: list[float], complaint: str
) -> None:
    with pytest.raises(UserError, match=complaint):
        correlation(a, b)  # type: ignore[operator]


def test_perfect_agreement_is_exactly_one() -> None:
    values = np.random.default_rng(2).random(500)
    assert kendall_tau(values, 3 * values) == 1
    assert kendall_tau(values, -values) == -1
    assert spearman_rho(values, values) == pytest.approx(1, abs=1e-15)
    assert spearman_rho(values, values) <= 1

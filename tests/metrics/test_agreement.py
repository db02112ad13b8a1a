"""Agreement with people follows the two conventions of the field, on real annotations too."""

from itertools import combinations

import numpy as np
import pytest
from agreement_oracles import (
    needs_real_annotations,
    real_summe,
    real_tvsum,
    slow_rho,
    slow_tau,
)
from scipy import stats

from stages.errors import UserError
from stages.metrics.agreement import pairwise_agreement, score_agreement, summary_agreement
from stages.metrics.rank import ConstantInput


@pytest.mark.parametrize("seed", range(10))
def test_scores_agree_with_each_user_divided_by_that_users_maximum(seed: int) -> None:
    generator = np.random.default_rng(seed)
    scores, user_scores = generator.random(30).round(1), generator.integers(1, 6, (4, 30))
    divided = user_scores / user_scores.max(axis=1, keepdims=True)
    tau, rho = score_agreement(scores, user_scores)
    assert tau == pytest.approx(np.mean([slow_tau(scores, user) for user in divided]), abs=1e-12)
    assert rho == pytest.approx(np.mean([slow_rho(scores, user) for user in divided]), abs=1e-12)


@pytest.mark.parametrize("seed", range(10))
def test_a_summary_agrees_with_the_mean_of_the_users(seed: int) -> None:
    generator = np.random.default_rng(seed)
    summary, user_summary = generator.random(60) < 0.2, generator.random((5, 60)) < 0.3
    mean = [sum(column) / 5 for column in user_summary.T]
    tau, rho = summary_agreement(summary, user_summary)
    assert tau == pytest.approx(slow_tau(summary, mean), abs=1e-12)
    assert rho == pytest.approx(slow_rho(summary, mean), abs=1e-12)


def test_people_are_compared_pair_by_pair() -> None:
    users = np.random.default_rng(4).integers(1, 6, (5, 25))
    every_pair = list(combinations(users.tolist(), 2))
    tau, rho = pairwise_agreement(users)
    assert tau == pytest.approx(np.mean([slow_tau(*pair) for pair in every_pair]), abs=1e-12)
    assert rho == pytest.approx(np.mean([slow_rho(*pair) for pair in every_pair]), abs=1e-12)


def test_a_constant_prediction_counts_as_zero_and_says_so() -> None:
    with pytest.warns(ConstantInput, match="prediction"):
        assert score_agreement(np.ones(4), [[1, 2, 3, 4], [2, 1, 3, 4]]) == (0, 0)
    with pytest.warns(ConstantInput, match="predicted summary shows no frame"):
        assert summary_agreement(np.zeros(4), [[1, 0, 0, 0]]) == (0, 0)


def test_an_annotator_without_an_opinion_counts_as_zero_in_the_mean() -> None:
    with pytest.warns(ConstantInput, match="1 of 2 annotators"):
        assert score_agreement([1, 2, 3], [[1, 2, 3], [3, 3, 3]]).tau == 0.5


def test_bad_input_is_named() -> None:
    with pytest.raises(UserError, match="3 things with one of 4"):
        score_agreement([1, 2, 3], [[1, 2, 3, 4]])
    with pytest.raises(UserError, match="two annotators"):
        pairwise_agreement([[1, 2, 3]])


@needs_real_annotations
def test_tvsum_people_and_oracle_are_the_known_figures() -> None:
    sampled = [scores_UN[:, ::15] for scores_UN, _ in real_tvsum()]
    human = np.mean([pairwise_agreement(users) for users in sampled], axis=0)
    oracle = np.mean([score_agreement(users.mean(axis=0), users) for users in sampled], axis=0)
    assert human == pytest.approx([0.1774, 0.2042], abs=5e-5)
    assert oracle == pytest.approx([0.378, 0.473], abs=5e-4)


@needs_real_annotations
def test_summe_people_are_the_known_figure() -> None:
    human = np.mean([pairwise_agreement(users) for users in real_summe()], axis=0)
    assert human == pytest.approx([0.2115, 0.2115], abs=5e-5)


@needs_real_annotations
def test_real_annotations_give_what_scipy_gives() -> None:
    generator = np.random.default_rng(0)
    for scores_UN, _ in list(real_tvsum())[::10]:
        users = scores_UN[:, ::15]
        scores = generator.random(users.shape[1]).astype(np.float32)
        tau, rho = score_agreement(scores, users)
        divided = users / users.max(axis=1, keepdims=True)
        slow = [stats.kendalltau(scores, user).statistic for user in divided]
        assert tau == pytest.approx(np.mean(slow), abs=1e-12)
        slow = [stats.spearmanr(scores, user).statistic for user in divided]
        assert rho == pytest.approx(np.mean(slow), abs=1e-12)
    for user_summary in list(real_summe())[::5]:
        summary = generator.random(user_summary.shape[1]) < 0.15
        mean = user_summary.mean(axis=0)
        tau, rho = summary_agreement(summary, user_summary)
        assert tau == pytest.approx(stats.kendalltau(summary, mean).statistic, abs=1e-12)
        assert rho == pytest.approx(stats.spearmanr(summary, mean).statistic, abs=1e-12)

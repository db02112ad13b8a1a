"""Who agrees with whom, beside scipy's own τ of every pair."""

import numpy as np
import pytest
from scipy import stats
from told import LEGEND, story

from stages.pages.report import rater_agreement
from stages.pages.report.legend import Legend

RANDOM = np.random.default_rng(0)


def test_every_pair_is_kendalls_tau() -> None:
    users = RANDOM.integers(1, 6, (4, 30)).tolist()
    model, own = RANDOM.random(30).tolist(), RANDOM.integers(0, 3, 30).tolist()
    found = rater_agreement.of(
        story(np.mean(users, axis=0), model, users=users, zero_shot=own), LEGEND
    )
    assert found.raters == ("1", "2", "3", "4", "M", "own")
    rows = [*users, model, own]
    for one, a in enumerate(rows):
        for other, b in enumerate(rows):
            expected = stats.kendalltau(a, b).statistic
            assert found.tau_RR[one, other] == pytest.approx(expected, abs=1e-9)
    pairs = [found.tau_RR[a, b] for a in range(4) for b in range(a)]
    assert found.among_people == pytest.approx(np.mean(pairs))
    assert found.with_people("M") == pytest.approx(found.tau_RR[4, :4].mean())


def test_a_score_with_gaps_is_left_out_and_one_person_agrees_with_nobody() -> None:
    found = rater_agreement.of(story([1, 2, 3], [1, 2, 3], zero_shot=[1, np.nan, 2]), LEGEND)
    assert found.raters == ("1", "M")
    assert np.isnan(found.among_people)


def test_the_figure_names_who_is_no_person() -> None:
    users = RANDOM.integers(1, 6, (3, 9)).tolist()
    drawn = rater_agreement.figure(
        rater_agreement.of(
            story(np.mean(users, axis=0), range(9), users=users), Legend({"m": "The model"})
        )
    )
    assert "people 1–3" in drawn
    assert "The model" in drawn

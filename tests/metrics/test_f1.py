"""Keyshot F1 is the harmonic mean of precision and recall against each user."""

import numpy as np
import pytest
from agreement_oracles import needs_real_annotations, real_summe, real_tvsum, slow_f1
from hypothesis import given
from hypothesis import strategies as st

from stages.errors import UserError
from stages.metrics.f1 import f1, f1_per_user, human_f1
from stages.summaries.keyshots import summarise

summaries = st.integers(1, 30).flatmap(
    lambda frames: st.lists(
        st.lists(st.booleans(), min_size=frames, max_size=frames), min_size=2, max_size=5
    )
)


@given(summaries)
def test_it_is_precision_and_recall_for_each_user(each: list[list[bool]]) -> None:
    summary, *users = each
    expected = [slow_f1(summary, user) for user in users]
    assert f1_per_user(summary, users) == pytest.approx(expected)
    assert f1(summary, users, "mean") == pytest.approx(np.mean(expected))
    assert f1(summary, users, "max") == pytest.approx(max(expected))


@given(summaries)
def test_each_person_is_held_against_all_the_others(people: list[list[bool]]) -> None:
    rows = [[slow_f1(one, two) for two in people if two is not one] for one in people]
    assert human_f1(people, "mean") == pytest.approx(np.mean([np.mean(row) for row in rows]))
    assert human_f1(people, "max") == pytest.approx(np.mean([max(row) for row in rows]))


def test_bad_input_is_named() -> None:
    with pytest.raises(UserError, match="cannot be compared"):
        f1([1, 0], [[1, 0, 0]])
    with pytest.raises(UserError, match="two annotators"):
        human_f1([[1, 0]])


@needs_real_annotations
def test_people_on_real_annotations_reach_the_figures_the_field_knows() -> None:
    tvsum = [
        human_f1([summarise(user_N, shots_S2) for user_N in scores_UN])
        for scores_UN, shots_S2 in real_tvsum()
    ]
    assert np.mean(tvsum) == pytest.approx(0.538, abs=1e-3)
    # Otani et al. 2019 print 54 for the best of the others on SumMe.
    summe = [human_f1(users, "max") for users in real_summe()]
    assert np.mean(summe) == pytest.approx(0.543, abs=1e-3)

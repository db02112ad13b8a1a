"""Replies without a score are put at their video's median, and counted."""

import numpy as np

from stages.metrics.replies import without_gaps


def test_a_gap_takes_the_median_of_its_video() -> None:
    scores, unparsed = without_gaps([8, np.nan, 2, 9, np.nan], 5)
    assert scores.tolist() == [8, 8, 2, 9, 8]
    assert unparsed == 2


def test_a_video_without_any_score_gets_the_middle_of_the_scale() -> None:
    scores, unparsed = without_gaps([np.nan, np.nan], 3)
    assert scores.tolist() == [3, 3]
    assert unparsed == 2


def test_scores_that_are_all_there_stay_and_the_input_is_not_changed() -> None:
    given = np.array([1.0, np.nan])
    without_gaps(given, 5)
    assert np.isnan(given[1])
    assert without_gaps([1.0, 2.0], 5)[0].tolist() == [1, 2]

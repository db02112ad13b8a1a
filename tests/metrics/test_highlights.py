"""Highlights are found as the authors of MR.HiSum count them, beside a slow and plain version."""

from fractions import Fraction

import numpy as np
import pytest

from stages.artifacts.results import ProtocolTable
from stages.errors import UserError
from stages.metrics import figures, highlights_table, leaderboard
from stages.metrics.highlights import Highlights, average_precision, best, segment_means
from stages.metrics.panel import Panel, Rules
from stages.metrics.settings import Evaluate
from stages.section import validated

RANDOM = np.random.default_rng(0)


def slow_precision(relevant: list[bool], scores: list[float]) -> float:
    """Every distinct score as a threshold, everything counted anew."""
    total, before = Fraction(0), Fraction(0)
    for threshold in sorted(set(scores), reverse=True):
        kept = [
            is_one for is_one, score in zip(relevant, scores, strict=True) if score >= threshold
        ]
        recall = Fraction(sum(kept), sum(relevant))
        total += (recall - before) * Fraction(sum(kept), len(kept))
        before = recall
    return float(total)


def slow_marks(people: list[float], scores: list[float], segment: int) -> tuple[float, float]:
    def segments(each: list[float]) -> list[float]:
        parts = [each[start : start + segment] for start in range(0, len(each), segment)]
        return [sum(part) / len(part) for part in parts]

    wanted, given = segments(people), segments(scores)
    ranked = sorted(range(len(wanted)), key=lambda place: -wanted[place])
    found = []
    for count in (len(wanted) // 2, int(len(wanted) * 0.15)):
        chosen = set(ranked[:count])
        found.append(slow_precision([place in chosen for place in range(len(wanted))], given))
    return found[0], found[1]


@pytest.mark.parametrize("frames", [35, 120, 137, 258, 360])
@pytest.mark.parametrize("levels", [4, 1000], ids=["with ties", "without"])
def test_marks_are_those_of_the_slow_version(frames: int, levels: int) -> None:
    people_T = np.repeat(RANDOM.random(-(-frames // 3)), 3)[:frames]
    scores_T = RANDOM.integers(0, levels, frames) / levels
    found = Highlights("video_1", people_T, 5).marks(scores_T)
    assert found == pytest.approx(slow_marks(people_T.tolist(), scores_T.tolist(), 5))


def test_half_of_the_segments_are_highlights_or_fifteen_in_a_hundred_rounded_down() -> None:
    people_G = RANDOM.random(27)
    assert best(people_G, 0.5).sum() == 13
    assert best(people_G, 0.15).sum() == 4
    assert best(np.ones(7), 0.5).tolist() == [True] * 3 + [False] * 4  # the earlier of equal ones


def test_the_last_segment_is_as_long_as_what_is_left() -> None:
    np.testing.assert_allclose(segment_means(np.arange(12.0), 5), [2, 7, 10.5])
    assert len(set(segment_means(np.full(13, 0.1), 5))) == 1  # three of them do not add up alike


def test_equal_scores_count_together_and_constant_ones_earn_the_share_of_highlights() -> None:
    relevant_G = np.array([True, False, False, True, False])
    assert average_precision(relevant_G, np.zeros(5)) == pytest.approx(0.4)
    assert average_precision(relevant_G, np.array([2.0, 1.0, 1.0, 2.0, 0.0])) == 1


def test_a_video_too_short_for_highlights_is_named() -> None:
    short = Highlights("video_7", RANDOM.random(30), 5)
    with pytest.raises(UserError, match="video_7: 30 frames make 6 segments of 5"):
        short.marks(RANDOM.random(30))


def panels(highlights: int | None) -> list[Panel]:
    shots_S2 = np.column_stack([np.arange(0, 120, 10), np.arange(9, 120, 10)])
    made = []
    for number in (1, 2, 3):
        score_1N = np.random.default_rng(number).random((1, 120)).astype(np.float32)
        shown_1N = (np.arange(120)[None] < 18).astype(np.float32)
        rules = Rules("scores", "mean", 0.15, highlights)
        spine = 120, np.arange(120), shots_S2
        made.append(Panel(f"video_{number}", rules, *spine, shown_1N, score_1N))
    return made


SPLITS = (("video_1", "video_2", "video_3"),)


def table_of(highlights: int | None) -> ProtocolTable:
    there = panels(highlights)
    scores = {panel.name: RANDOM.random((2, 1, 120)) for panel in there}
    rows = {
        "m": leaderboard.scored("m", "model", lambda panel: scores[panel.name]).over(there),
        "oracle": leaderboard.oracle().over(there),
        "random": leaderboard.random(20).over(there),
    }
    document = figures.rows_document(rows, SPLITS, confidence=0.9, resamples=100)
    return ProtocolTable.model_validate({"videos": 3, "flags": (), "rows": document})


def test_rows_have_highlights_where_the_measure_has_and_no_trace_of_them_elsewhere() -> None:
    of = table_of(5)
    assert highlights_table.has_highlights(of)
    found = of.rows["random"].highlights
    assert found is not None
    assert of.rows["oracle"].highlights is not None
    assert of.rows["oracle"].highlights.map15.mean == 1
    assert 0.3 < found.map50.mean < 0.8
    assert found.map50.spread is not None
    assert found.map50.folds == (found.map50.mean,)
    without = table_of(None)
    assert not highlights_table.has_highlights(without)
    assert "highlights" not in without.rows["m"].model_dump(mode="json")


def test_settings_of_other_datasets_are_written_as_before() -> None:
    usual = {
        "agreement": "scores", "f1": "mean", "budget": 0.15,
        "random_seeds": 1, "bootstrap": 100, "confidence": 0.9,
    }  # fmt: skip
    said = Evaluate.model_validate(usual).model_dump(mode="json")
    assert said == usual
    also = usual | {"highlights": 5, "beyond": 1}
    assert Evaluate.model_validate(also).model_dump(mode="json") == also
    with pytest.raises(UserError, match="highlights: are found by people's scores"):
        validated(Evaluate, also | {"agreement": "summary"}, "params.yaml", "evaluate")


def test_a_shots_worth_takes_in_the_frames_beyond_it_where_the_rules_say_so() -> None:
    shots_S2 = np.array([[0, 9], [10, 19], [20, 99]])
    scores_T = np.zeros(100)
    scores_T[5:10] = 0.1
    scores_T[20] = 1.0  # the first frame of the third shot lifts the second
    summary = {
        beyond: Panel(
            "v", Rules("scores", "mean", 0.1, None, beyond), 100, np.arange(100), shots_S2,
            np.zeros((1, 100), np.float32), np.zeros((1, 100), np.float32),
        ).summary(scores_T)
        for beyond in (0, 1)
    }  # fmt: skip
    assert np.flatnonzero(summary[0]).tolist() == list(range(10))
    assert np.flatnonzero(summary[1]).tolist() == list(range(10, 20))

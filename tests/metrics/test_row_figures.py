"""A row that has collapsed to a constant is told from one that scores."""

import numpy as np
import pytest

from stages.metrics.figures import collapsed, rows_document
from stages.metrics.leaderboard import Kind, Scored

SPLITS = (("video_1", "video_2"),)


def row(deviation: float, kind: Kind = "model") -> Scored:
    marks = {video: np.full((2, 1, 3), 0.1) for video in SPLITS[0]}
    return Scored("r", kind, marks, {}, dict.fromkeys(marks, deviation))


@pytest.mark.parametrize(
    ("deviation", "people", "expected"),
    [(0.0005, 0.15, True), (0.02, 0.15, False), (0.0, 0.15, True), (0.0005, 0.0, False)],
)
def test_a_trained_row_collapses_against_peoples_deviation(
    deviation: float, people: float, expected: bool
) -> None:
    assert collapsed(row(deviation), people) is expected
    assert not collapsed(row(deviation, "baseline"), people)


def test_the_document_keeps_the_deviation_of_scorers_alone() -> None:
    rows = {"llmvs": row(0.0005), "human": Scored("h", "people", row(0).marks)}
    made = rows_document(rows, SPLITS, confidence=0.95, resamples=100, people=0.15)
    assert made["llmvs"]["deviation"] == 0.0005
    assert made["llmvs"]["collapsed"] is True
    assert "deviation" not in made["human"]

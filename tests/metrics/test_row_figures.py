"""Rows as numbers: what has collapsed to a constant is told, and what is above the floor."""

import numpy as np
import pytest

from stages.metrics.figures import collapsed, rows_document
from stages.metrics.leaderboard import Kind, Scored
from stages.metrics.paired import holm, paired

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


VIDEOS = tuple(f"video_{number}" for number in range(1, 9))
TESTED = (VIDEOS[:5], VIDEOS[4:])  # video_5 twice, as official


def drawn(mean: float) -> Scored:
    random = np.random.default_rng(int(1000 * mean))
    return Scored("r", "model", {video: random.normal(mean, 0.1, (1, 1, 3)) for video in VIDEOS})


def test_every_row_is_tested_against_constant_scores_where_these_are_a_row() -> None:
    rows = {"llmvs": drawn(0.2), "mlp": drawn(0.5), "constant": drawn(0.1)}
    options = {"confidence": 0.95, "resamples": 200}
    made = rows_document(rows, TESTED, **options)
    weights_V = [1 / 10] * 4 + [1 / 10 + 1 / 8] + [1 / 8] * 3
    assert made["constant"]["above_floor"] is None
    for index, mark in enumerate(("tau", "rho", "f1")):
        marks = {
            name: np.round([of[0, 0, index] for of in row.marks.values()], 6)
            for name, row in rows.items()
        }
        expected = {
            name: paired(marks[name], marks["constant"], weights_V, **options)
            for name in ("llmvs", "mlp")
        }
        corrected = holm({name: of.p for name, of in expected.items()})
        for name, of in expected.items():
            found = made[name]["above_floor"]
            assert found["row"] == "constant"
            assert found[mark] == pytest.approx({**of._asdict(), "holm": corrected[name]}, abs=1e-6)
    assert made["mlp"]["above_floor"]["tau"]["low"] > 0


def test_without_a_row_of_constant_scores_nothing_is_tested_against_it() -> None:
    made = rows_document({"llmvs": drawn(0.2)}, TESTED, confidence=0.95, resamples=100)
    assert made["llmvs"]["above_floor"] is None

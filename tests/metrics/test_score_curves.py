import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from stages.artifacts.predictions import Predictions
from stages.metrics import score_curves
from stages.metrics.panel import Panel, Rules

RULES = Rules("scores", "mean", 0.15)
SHOTS = np.array([[0, 29], [30, 59]])


def panel(name: str, scored: bool = True) -> Panel:
    shown_UN = np.zeros((2, 60), np.float32)
    shown_UN[0, :30] = 1
    scores_UN = np.repeat([[1, 1, 3, 5], [1, 3, 3, 5]], 15, axis=1).astype(np.float32)
    return Panel(
        name,
        RULES if scored else replace(RULES, agreement="summary"),
        n_frames=60,
        picks=np.arange(0, 60, 15),
        change_points=SHOTS,
        user_summary=shown_UN,
        user_scores=scores_UN if scored else None,
    )


def test_people_are_put_on_0_to_1_or_counted() -> None:
    assert score_curves.people(panel("a")).tolist() == [0, 0.25, 0.5, 1]
    assert score_curves.people(panel("a", scored=False)).tolist() == [0.5, 0.5, 0, 0]


def test_every_tested_frame_has_a_line_with_the_mean_over_seeds(tmp_path: Path) -> None:
    low, high = np.full(4, 0.2), np.full(4, 0.6)
    scores = {
        "seed_0": [{"b": low}, {"a": low}],
        "seed_1": [{"b": high}, {"a": low}],
    }
    predictions = Predictions("strict", (("b",), ("a",)), scores, {})
    panels = {name: panel(name) for name in ("a", "b", "never tested")}
    score_curves.write(tmp_path / "c.csv", panels, predictions)
    with (tmp_path / "c.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert [(line["video"], line["pick"]) for line in lines] == [
        (name, str(pick)) for name in ("a", "b") for pick in (0, 15, 30, 45)
    ]
    assert [int(line["frame"]) for line in lines] == list(range(8))
    assert [float(line["model"]) for line in lines] == pytest.approx([0.2] * 4 + [0.4] * 4)
    assert [float(line["people"]) for line in lines[:4]] == [0, 0.25, 0.5, 1]

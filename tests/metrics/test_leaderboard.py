"""Figures average users, videos, splits and seeds in the release's order."""

import numpy as np
import pytest

from stages.artifacts.predictions import Predictions
from stages.metrics import leaderboard
from stages.metrics.leaderboard import (
    Scored,
    by_video,
    figures,
)
from stages.metrics.panel import Panel, Rules

SHOTS = np.column_stack([np.arange(0, 60, 6), np.arange(5, 60, 6)])
PICKS = np.arange(0, 60, 15)
SPLITS = (("video_1", "video_2"), ("video_2", "video_3", "video_4"))  # overlapping, as official


def panels(count: int = 4) -> list[Panel]:
    generator = np.random.default_rng(0)
    return [
        Panel(
            f"video_{number}",
            Rules("scores", "mean", 0.3),
            60,
            PICKS,
            SHOTS,
            (generator.random((3, 60)) < 0.3).astype(np.float32),
            generator.integers(1, 6, (3, 60)).astype(np.float32),
        )
        for number in range(1, count + 1)
    ]


def trained(seeds: int) -> Predictions:
    generator = np.random.default_rng(5)
    return Predictions(
        "official",
        SPLITS,
        {
            f"seed_{seed}": [{video: generator.random(4) for video in split} for split in SPLITS]
            for seed in range(seeds)
        },
        {f"seed_{seed}": [1.0] * len(SPLITS) for seed in range(seeds)},
    )


def model_row(predictions: Predictions) -> Scored:
    return leaderboard.scored("m", "model", lambda panel: predictions.of_video(panel.name)).over(
        panels()
    )


def test_a_model_is_averaged_over_videos_then_splits_then_seeds() -> None:
    predictions, people = trained(3), {panel.name: panel for panel in panels()}
    row = model_row(predictions)
    by_seed = [
        np.mean(
            [
                np.mean([people[video].verdict(of).marks for video, of in split.items()], axis=0)
                for split in of_seed
            ],
            axis=0,
        )
        for of_seed in predictions.scores.values()
    ]
    found = figures(row, SPLITS, confidence=0.95, resamples=100)
    means = [found[mark].mean for mark in ("tau", "rho", "f1")]
    spreads = [found[mark].spread for mark in ("tau", "rho", "f1")]
    assert means == pytest.approx(np.mean(by_seed, axis=0))
    assert spreads == pytest.approx(np.std(by_seed, axis=0, ddof=1))
    for figure in found.values():
        assert figure.low <= figure.mean <= figure.high


def test_a_row_without_seeds_has_no_spread() -> None:
    for row in (
        leaderboard.human().over(panels()),
        leaderboard.oracle().over(panels()),
        model_row(trained(1)),
    ):
        found = figures(row, SPLITS, confidence=0.95, resamples=100)
        assert all(figure.spread is None for figure in found.values())


def test_a_video_tested_twice_counts_by_its_appearances() -> None:
    marks = {f"video_{n}": np.full((1, 1, 3), float(n)) for n in range(1, 5)}
    found = figures(Scored("r", "people", marks), SPLITS, confidence=0.95, resamples=100)
    assert found["tau"].mean == pytest.approx(((1 + 2) / 2 + (2 + 3 + 4) / 3) / 2)
    assert by_video(Scored("r", "people", marks), SPLITS)["video_2"].rho == 2


def test_random_scores_earn_nothing_and_adding_a_video_changes_no_other() -> None:
    row = leaderboard.random(200).over(panels())
    found = figures(row, SPLITS, confidence=0.95, resamples=100)
    assert found["tau"].mean == pytest.approx(0, abs=0.05)
    assert found["tau"].spread is not None
    assert found["tau"].spread > 0
    fewer = leaderboard.random(200).over(panels(2))
    for video, marks in fewer.marks.items():
        assert np.array_equal(marks, row.marks[video])
    assert np.array_equal(
        leaderboard.random(50).over(panels()).marks["video_1"], row.marks["video_1"][:50]
    )


def test_constant_predictions_are_counted() -> None:
    scores = {panel.name: np.arange(4.0)[None] for panel in panels()}
    assert leaderboard.untrained("zero-shot", scores).over(panels()).unranked == 0
    scores["video_2"] = np.full((1, 4), 5.0)
    judging = leaderboard.untrained("zero-shot", scores)
    row, second, first = judging.over(panels()), judging.row(["video_2"]), judging.row(["video_1"])
    assert (row.unranked, row.scored) == (1, 4)
    assert (second.unranked, second.scored) == (1, 1)
    assert (first.unranked, list(first.marks)) == (0, ["video_1"])
    assert row.marks["video_2"][0, 0, :2].tolist() == [0, 0]


def test_constant_scores_earn_what_the_knapsack_gives_them() -> None:
    """Short shots come first where all are worth the same, and people prefer short shots too."""
    bounds = np.r_[0, np.cumsum([5] * 6 + [30])]
    shots_S2 = np.column_stack([bounds[:-1], bounds[1:] - 1])
    summary_UN = np.zeros((3, 60), np.float32)
    summary_UN[:, :15] = 1  # the first short shots
    panel = Panel("v", Rules("summary", "max", 0.3), 60, PICKS, shots_S2, summary_UN)
    row = leaderboard.constant().over([panel])
    assert row.marks["v"][0, 0, 0] == pytest.approx(panel.verdict(np.ones(4)).marks.tau)
    assert row.marks["v"][0, 0, 0] > 0.3
    assert row.deviation == 0


def test_the_deviation_of_a_row_is_that_of_its_scores_within_a_video() -> None:
    scores = {panel.name: np.arange(4.0)[None] for panel in panels()}
    judging = leaderboard.untrained("r", scores)
    row = judging.over(panels())
    assert row.deviation == pytest.approx(np.arange(4).std())
    assert leaderboard.human().over(panels()).deviation is None
    assert judging.row(["video_1"]).spread.keys() == {"video_1"}

"""Scores are held against people's choices at the sampled frames, as scipy would hold them."""

import itertools

import numpy as np
import pytest
from scipy import stats

from stages.artifacts.predictions import Predictions
from stages.errors import UserError
from stages.metrics import leaderboard
from stages.metrics.leaderboard import (
    figures,
    sampled_by_split,
    sampled_figures,
)
from stages.metrics.panel import Panel, Rules
from stages.metrics.sampled import Choices, choices

PICKS = np.arange(0, 600, 15)
BOUNDS = np.r_[0, np.cumsum([20] * 15 + [100] * 3)]
SHOTS = np.column_stack([BOUNDS[:-1], BOUNDS[1:] - 1])
SPLITS = (("video_1", "video_2"), ("video_2", "video_3"))


def panel(name: str, users: int = 5, agreement: str = "summary") -> Panel:
    random = np.random.default_rng(int(name[-1]))
    shown_UN = (random.random((users, len(SHOTS))) < 0.2).repeat(np.diff(BOUNDS), axis=1)
    scores_UN = random.integers(1, 6, (users, 600)).astype(np.float32)
    rules = Rules(agreement, "max", 0.15)  # type: ignore[arg-type]
    return Panel(name, rules, 600, PICKS, SHOTS, shown_UN.astype(np.float32), scores_UN)


PANELS = [panel(f"video_{number}") for number in (1, 2, 3)]


def chosen(of: Panel) -> np.ndarray:
    return of.user_summary[:, PICKS].astype(np.float64)


@pytest.mark.parametrize("of", PANELS, ids=lambda of: of.name)
@pytest.mark.parametrize("levels", [3, 1000], ids=["with ties", "without"])
def test_marks_are_scipys_of_the_mean_choice_and_of_each_users(of: Panel, levels: int) -> None:
    scores_T = np.random.default_rng(9).integers(0, levels, len(PICKS)) / levels
    chosen_UT = chosen(of)
    each = [
        stats.pointbiserialr(own_T, scores_T).statistic
        for own_T in chosen_UT
        if 0 < own_T.sum() < len(PICKS)
    ]
    assert of.choices is not None
    found = of.choices.marks(scores_T)
    assert found.tau == pytest.approx(stats.kendalltau(scores_T, chosen_UT.mean(axis=0)).statistic)
    assert found.rho == pytest.approx(stats.spearmanr(scores_T, chosen_UT.mean(axis=0)).statistic)
    assert found.biserial == pytest.approx(sum(each) / len(chosen_UT))


def test_who_chose_every_frame_or_none_counts_as_nought() -> None:
    scores_T = np.array([0.1, 0.4, 0.2, 0.9])
    own_T = np.array([0.0, 1, 0, 1])
    r = stats.pointbiserialr(own_T, scores_T).statistic
    found = Choices(np.array([own_T, np.zeros(4), np.ones(4), own_T])).marks(scores_T)
    assert found.biserial == pytest.approx(r / 2)
    nobody = Choices(np.zeros((3, 4)))
    assert nobody.marks(scores_T) == nobody.oracle() == nobody.human() == (0, 0, 0)


@pytest.mark.parametrize("value", [0.5, 0.1, 1 / 3, -1e9, 1e-12])
def test_constant_scores_earn_nothing_whatever_they_are(value: float) -> None:
    for frames in (3, 6, 7, 49, 293):  # of some the mean is another float than each
        chosen_UT = np.random.default_rng(frames).integers(0, 2, (3, frames)).astype(np.float64)
        assert Choices(chosen_UT).marks(np.full(frames, value)) == (0, 0, 0)


@pytest.mark.parametrize("factor", [2.0**500, 2.0**-540, 1e99, 1e-250])
def test_tiny_and_huge_scores_earn_what_others_do(factor: float) -> None:
    of = choices(PANELS[0].user_summary, PICKS)
    scores_T = np.random.default_rng(0).random(len(PICKS))
    assert of.marks(factor * scores_T) == pytest.approx(of.marks(scores_T), rel=1e-12)


def test_peoples_mean_earns_one_and_the_scale_of_scores_is_of_no_matter() -> None:
    of = choices(PANELS[0].user_summary, PICKS)
    tau, rho, biserial = of.oracle()
    assert (tau, rho) == pytest.approx((1, 1))
    assert 0 < biserial < 1
    assert of.marks(-3 * of.mean_T + 7) == pytest.approx((-tau, -rho, -biserial))


def test_people_are_marked_by_the_others_alone() -> None:
    chosen_UT = chosen(PANELS[1])
    agreed, pairs = [], []
    for user, own_T in enumerate(chosen_UT):
        others_T = np.delete(chosen_UT, user, axis=0).mean(axis=0)
        agreed.append(
            (
                stats.kendalltau(own_T, others_T).statistic,
                stats.spearmanr(own_T, others_T).statistic,
            )
        )
    for one_T, other_T in itertools.combinations(chosen_UT, 2):
        pairs.append(stats.pearsonr(one_T, other_T).statistic)
    expected = (*np.nan_to_num(agreed).mean(axis=0), np.nan_to_num(pairs).mean())
    assert Choices(chosen_UT).human() == pytest.approx(expected)
    with pytest.raises(UserError, match="at least two annotators"):
        Choices(chosen_UT[:1]).human()


def test_shots_and_their_lengths_are_of_no_matter_to_it() -> None:
    """With other shots tau through the knapsack moves, and this does not."""
    scores_T = np.random.default_rng(2).random(len(PICKS))
    one = PANELS[0]
    edges = np.arange(0, 601, 40)
    other = Panel(
        one.name, one.rules, 600, PICKS, np.column_stack([edges[:-1], edges[1:] - 1]),
        one.user_summary,
    )  # fmt: skip
    assert one.choices is not None
    assert other.choices is not None
    assert one.verdict(scores_T).marks.tau != other.verdict(scores_T).marks.tau
    assert one.choices.marks(scores_T) == other.choices.marks(scores_T)


def test_rows_are_averaged_over_videos_then_splits_then_seeds_as_through_the_knapsack() -> None:
    random = np.random.default_rng(4)
    trained = Predictions(
        "official",
        SPLITS,
        {
            f"seed_{seed}": [{video: random.random(len(PICKS)) for video in of} for of in SPLITS]
            for seed in range(3)
        },
        {f"seed_{seed}": [1.0] * len(SPLITS) for seed in range(3)},
    )
    of = {panel.name: choices(panel.user_summary, PICKS) for panel in PANELS}
    by_seed_split_3 = [
        [np.mean([of[video].marks(own_T) for video, own_T in split.items()], axis=0)
         for split in of_seed]
        for of_seed in trained.scores.values()
    ]  # fmt: skip
    judging = leaderboard.scored("m", "model", lambda panel: trained.of_video(panel.name))
    row = judging.over(PANELS)
    found = sampled_figures(row, SPLITS, confidence=0.95, resamples=100)
    folds = sampled_by_split(row, SPLITS)
    for index, mark in enumerate(("tau", "rho", "biserial")):
        by_seed = np.mean(by_seed_split_3, axis=1)[:, index]
        assert found[mark].mean == pytest.approx(by_seed.mean())
        assert found[mark].spread == pytest.approx(by_seed.std(ddof=1))
        assert found[mark].low < found[mark].mean < found[mark].high
        assert folds[mark] == pytest.approx(np.mean(by_seed_split_3, axis=0)[:, index])
    alone = judging.row(["video_1"])
    assert sampled_figures(alone, (("video_1",),), confidence=0.95, resamples=100)


def test_chance_and_constant_scores_earn_nothing_where_the_knapsack_gives_them_something() -> None:
    options = {"confidence": 0.95, "resamples": 100}
    chance = sampled_figures(leaderboard.random(200).over(PANELS), SPLITS, **options)
    constant = sampled_figures(leaderboard.constant().over(PANELS), SPLITS, **options)
    for mark in ("tau", "rho", "biserial"):
        assert chance[mark].mean == pytest.approx(0, abs=0.03)
        assert (constant[mark].mean, constant[mark].low, constant[mark].high) == (0, 0, 0)
    assert figures(leaderboard.constant().over(PANELS), SPLITS, **options)["tau"].mean != 0
    assert sampled_figures(leaderboard.oracle().over(PANELS), SPLITS, **options)[
        "tau"
    ].mean == pytest.approx(1)
    assert sampled_figures(leaderboard.human().over(PANELS), SPLITS, **options)["tau"].mean < 1


def test_where_scores_are_compared_there_is_no_knapsack_to_do_without() -> None:
    by_scores = [panel(f"video_{number}", agreement="scores") for number in (1, 2, 3)]
    for row in (
        leaderboard.random(2).over(by_scores),
        leaderboard.human().over(by_scores),
        leaderboard.oracle().over(by_scores),
    ):
        assert sampled_figures(row, SPLITS, confidence=0.95, resamples=100) == {}

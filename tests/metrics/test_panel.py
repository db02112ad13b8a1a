"""A panel marks a prediction by its dataset's rules, and says when nothing is ranked."""

import json
from typing import Literal

import numpy as np
import pytest
from agreement_oracles import (
    REAL,
    needs_real_annotations,
    real_summe,
    real_tvsum,
    slow_f1,
    slow_rho,
    slow_tau,
)

from stages.errors import UserError
from stages.metrics import leaderboard
from stages.metrics.panel import Panel, Rules
from stages.metrics.tables import flags
from stages.summaries.keyshots import keyshots, summarise

SHOTS = np.column_stack([np.arange(0, 90, 9), np.arange(8, 90, 9)])
PICKS = np.arange(0, 90, 15)


def panel(
    agreement: Literal["scores", "summary"], over: Literal["mean", "max"] = "mean", seed: int = 0
) -> Panel:
    scores_UN = np.random.default_rng(seed).integers(1, 6, (4, 90)).astype(np.float32)
    summary_UN = np.array([summarise(user_N, SHOTS, 0.3) for user_N in scores_UN], np.float32)
    return Panel("video_1", Rules(agreement, over, 0.3), 90, PICKS, SHOTS, summary_UN, scores_UN)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("over", ["mean", "max"])
def test_scores_are_held_against_each_users_scores(over: Literal["mean", "max"], seed: int) -> None:
    people = panel("scores", over, seed)
    assert people.user_scores is not None
    scores = np.random.default_rng(seed + 100).random(6)
    sampled = people.user_scores[:, PICKS].tolist()
    summary = keyshots(scores, PICKS, 90, SHOTS, 0.3)
    f1s = [slow_f1(summary, user > 0) for user in people.user_summary]
    tau, rho, f1 = people.verdict(scores).marks
    assert tau == pytest.approx(np.mean([slow_tau(scores, user) for user in sampled]))
    assert rho == pytest.approx(np.mean([slow_rho(scores, user) for user in sampled]))
    assert f1 == pytest.approx(np.mean(f1s) if over == "mean" else max(f1s))


@pytest.mark.parametrize("seed", range(5))
def test_a_summary_is_held_against_the_mean_of_the_users(seed: int) -> None:
    people = panel("summary", seed=seed)
    scores = np.random.default_rng(seed + 100).random(6)
    summary, mean = keyshots(scores, PICKS, 90, SHOTS, 0.3), people.user_summary.mean(axis=0)
    marks = people.verdict(scores).marks
    assert marks.tau == pytest.approx(slow_tau(summary.tolist(), mean.tolist()))
    assert marks.rho == pytest.approx(slow_rho(summary.tolist(), mean.tolist()))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("agreement", ["scores", "summary"])
def test_agreement_alone_is_that_of_the_whole_verdict(
    agreement: Literal["scores", "summary"], seed: int
) -> None:
    people = panel(agreement, seed=seed)
    for scores in (np.random.default_rng(seed).random(6), np.full(6, 0.5)):
        assert people.agreement(scores) == people.verdict(scores).marks[:2]
    with pytest.raises(UserError, match="video_1: 5 scores for 6 sampled frames"):
        people.agreement(np.zeros(5))


@pytest.mark.parametrize("agreement", ["scores", "summary"])
def test_a_constant_prediction_earns_zero_and_is_known_for_it(
    agreement: Literal["scores", "summary"],
) -> None:
    people = panel(agreement)
    assert not people.verdict(np.arange(6)).unranked
    verdict = people.verdict(np.full(6, 0.5))
    # Constant scores still fill a summary, which is what SumMe's measure ranks.
    assert verdict.unranked == (agreement == "scores")
    if verdict.unranked:
        assert verdict.marks[:2] == (0, 0)


def test_a_summary_that_no_shot_fits_ranks_nothing() -> None:
    people = panel("summary")
    one_shot = Panel("video_1", people.rules, 90, PICKS, np.array([[0, 89]]), people.user_summary)
    verdict = one_shot.verdict(np.arange(6))
    assert verdict.unranked
    assert verdict.marks == (0, 0, 0)


def test_whose_word_orders_nothing_is_known() -> None:
    people = panel("scores")
    assert not people.flat
    assert people.user_scores is not None
    scores_UN = people.user_scores.copy()
    scores_UN[2, PICKS] = 3
    same = Panel("video_1", people.rules, 90, PICKS, SHOTS, people.user_summary, scores_UN)
    assert same.flat
    assert same.verdict(np.arange(6)).marks.tau != people.verdict(np.arange(6)).marks.tau
    rows = {"oracle": leaderboard.oracle().over([same])}
    assert (
        "Someone says the same of every frame of video_1: no scores agree with that, and τ and ρ "
        "with it are counted as 0."
    ) in flags(rows, {}, {}, 0.1, people.rules, flat=["video_1"])
    shown_UN = np.array([people.user_summary[0], ~people.user_summary[0].astype(bool)], np.bool_)
    assert Panel("video_1", panel("summary").rules, 90, PICKS, SHOTS, shown_UN).flat
    assert not panel("summary").flat


@pytest.mark.parametrize("agreement", ["scores", "summary"])
def test_people_and_their_mean_agree_more_than_chance(
    agreement: Literal["scores", "summary"],
) -> None:
    people = panel(agreement)
    random = [people.verdict(np.random.default_rng(s).random(6)).marks.tau for s in range(50)]
    assert people.oracle().tau > np.mean(random)
    assert -1 < people.human().tau < people.oracle().tau


def test_bad_input_is_named() -> None:
    people = panel("scores")
    with pytest.raises(UserError, match="video_1: 5 scores for 6 sampled frames"):
        people.verdict(np.zeros(5))
    with pytest.raises(UserError, match=r"video_1.*set evaluate.agreement to summary"):
        Panel("video_1", people.rules, 90, PICKS, SHOTS, people.user_summary)
    with pytest.raises(UserError, match=r"video_1.*91 frames"):
        Panel("video_1", people.rules, 91, PICKS, SHOTS, people.user_summary, people.user_scores)


@needs_real_annotations
def test_tvsum_rows_of_people_are_the_known_figures() -> None:
    human, oracle = [], []
    for scores_UN, shots_S2 in real_tvsum():
        summary_UN = np.array([summarise(user_N, shots_S2) for user_N in scores_UN], np.float32)
        frames = scores_UN.shape[1]
        people = Panel(
            "video", Rules("scores", "mean", 0.15), frames, np.arange(0, frames, 15), shots_S2,
            summary_UN, scores_UN,
        )  # fmt: skip
        human.append(people.human())
        oracle.append(people.oracle())
    assert np.mean(human, axis=0)[:2] == pytest.approx([0.1774, 0.2042], abs=5e-5)
    assert np.mean(oracle, axis=0)[:2] == pytest.approx([0.378, 0.473], abs=5e-4)


@needs_real_annotations
def test_summes_floor_and_ceiling_are_the_known_figures() -> None:
    """With the field's shots: people's mean at the picks, and one score for every frame."""
    oracle, constant = [], []
    shots = json.loads((REAL / "summe" / "summe_change_points.json").read_text())
    for summary_UN, of in zip(real_summe(), shots.values(), strict=True):
        shots_S2 = np.array(of["change_points"])
        frames = summary_UN.shape[1]
        people = Panel(
            "video", Rules("summary", "max", 0.15), frames, np.arange(0, frames, 15), shots_S2,
            summary_UN.astype(np.float32),
        )  # fmt: skip
        oracle.append(people.oracle())
        constant.append(people.verdict(np.full(len(people.picks), 0.5)).marks)
    assert np.mean(oracle, axis=0)[:2] == pytest.approx([0.4047, 0.4524], abs=5e-5)
    assert np.mean(constant, axis=0)[:2] == pytest.approx([0.1089, 0.1211], abs=5e-5)

"""Scores become whole shots within the budget, as the field builds keyshot summaries."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from summary_oracles import slow_keyshots, slow_upsample

from stages.errors import UserError
from stages.summaries.keyshots import keyshots, shot_means, summarise, upsample


@st.composite
def videos(draw: st.DrawFn) -> tuple[list[float], list[int], int, list[tuple[int, int]]]:
    """Scores, picks (the first may come late), number of frames, shots."""
    n_frames = draw(st.integers(1, 80))
    picks = sorted(draw(st.sets(st.integers(0, n_frames - 1), min_size=1, max_size=12)))
    score = st.one_of(st.sampled_from([0.0, 0.25, 0.5]), st.floats(0, 1, width=32))
    scores = draw(st.lists(score, min_size=len(picks), max_size=len(picks)))
    cuts = sorted(draw(st.sets(st.integers(1, max(1, n_frames - 1)), max_size=10)) - {n_frames})
    bounds = [0, *cuts, n_frames]
    shots = [(start, end - 1) for start, end in pairwise(bounds)]
    return scores, picks, n_frames, shots


@given(videos(), st.sampled_from([0.15, 0.5, 0.99]))
def test_the_summary_is_the_slow_one(
    video: tuple[list[float], list[int], int, list[tuple[int, int]]], budget: float
) -> None:
    scores, picks, n_frames, shots = video
    assert upsample(scores, picks, n_frames).tolist() == slow_upsample(scores, picks, n_frames)
    summary = keyshots(scores, picks, n_frames, shots, budget)
    assert summary.dtype == bool
    assert summary.tolist() == slow_keyshots(scores, picks, n_frames, shots, budget)
    assert summary.sum() <= budget * n_frames


def test_a_score_holds_until_the_next_pick_and_nothing_before_the_first() -> None:
    assert upsample([3, 5], [2, 4], 7).tolist() == [0, 0, 3, 3, 5, 5, 5]


def test_shot_ends_are_inclusive() -> None:
    assert shot_means([1, 2, 3, 4, 5], [[0, 1], [2, 4]]).tolist() == [1.5, 4]


def test_equal_shots_tie_and_the_later_ones_are_left_out() -> None:
    shots = [[start, start + 4] for start in range(0, 100, 5)]
    scores = np.full(100, 0.3, dtype=np.float32)
    assert summarise(scores, shots).nonzero()[0].tolist() == list(range(15))


@pytest.mark.parametrize("score", [0.1, 1 / 3, 0.7, 0.123456, 5])
def test_one_score_for_all_frames_fills_a_summary_whatever_it_is(score: float) -> None:
    ends = np.cumsum(np.random.default_rng(0).integers(3, 60, 40))
    shots = np.stack([np.r_[0, ends[:-1]], ends - 1], axis=1)
    wanted = summarise(np.ones(ends[-1]), shots)
    np.testing.assert_array_equal(summarise(np.full(ends[-1], score), shots), wanted)


def test_a_video_of_one_shot_has_an_empty_summary() -> None:
    assert not keyshots([0.5, 0.9], [0, 15], 30, [[0, 29]]).any()


@pytest.mark.parametrize(
    ("scores", "picks", "shots", "complaint"),
    [
        ([1.0], [0, 1], [[0, 9]], "differ in length"),
        ([1.0, float("nan")], [0, 1], [[0, 9]], "finite"),
        ([1.0, 2.0], [3, 3], [[0, 9]], "picks must rise"),
        ([1.0], [10], [[0, 9]], "picks must rise"),
        ([1.0], [0], [[0, 10]], "10 frames"),
        ([1.0], [0], [[0, 5], [5, 9]], "without overlap"),
        ([1.0], [0], [0, 9], r"\(shots, 2\)"),
    ],
)
def test_bad_input_is_named(
    scores: list[float], picks: list[int], shots: list[list[int]], complaint: str
) -> None:
    with pytest.raises(UserError, match=complaint):
        keyshots(scores, picks, 10, shots)

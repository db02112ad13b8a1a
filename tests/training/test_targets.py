import itertools

import numpy as np
import pytest
import torch

from stages.artifacts.video import Video
from stages.errors import UserError
from stages.training.targets import keyshots


def video(shots: list[list[int]] | None, n_frames: int = 60) -> Video:
    picks_T = np.arange(0, n_frames, 5)
    known = (None, None) if shots is None else (np.array(shots), "field")
    return Video("video_1", "One", n_frames, 30.0, picks_T, picks_T / 30.0, *known)


def test_people_s_best_shots_that_fit_are_what_is_learnt() -> None:
    """All sets of shots, tried one after the other."""
    shots = [[0, 12], [13, 21], [22, 40], [41, 47], [48, 59]]
    for seed in range(20):
        gtscore_T = torch.rand(12, generator=torch.Generator().manual_seed(seed))
        scores_T = (gtscore_T - gtscore_T.min()) / (gtscore_T.max() - gtscore_T.min())
        frames_N = np.repeat(scores_T.double().numpy(), 5)
        worth = [int(1000 * frames_N[start : end + 1].mean()) for start, end in shots]
        fitting = [
            chosen
            for size in range(6)
            for chosen in itertools.combinations(range(5), size)
            if sum(shots[s][1] - shots[s][0] + 1 for s in chosen) <= 24
        ]
        best = max(fitting, key=lambda chosen: sum(worth[s] for s in chosen))
        shown_N = np.zeros(60, dtype=bool)
        for s in best:
            shown_N[shots[s][0] : shots[s][1] + 1] = True
        found_T = keyshots(gtscore_T.numpy(), video(shots), 0.4)
        assert found_T.tolist() == shown_N[::5].tolist()


def test_scores_all_alike_choose_nothing() -> None:
    assert not keyshots(np.full(12, 0.4), video([[0, 29], [30, 59]]), 0.5).any()


def test_without_shots_what_brings_them_is_said() -> None:
    with pytest.raises(UserError, match="shots are not known"):
        keyshots(np.linspace(0, 1, 12), video(None), 0.5)

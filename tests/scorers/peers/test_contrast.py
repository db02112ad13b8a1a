"""A2Summ's contrasts beside their definitions."""

import math

import pytest
import torch
from torch import Tensor

from stages.scorers.peers.contrast import Contrast


def like(one: Tensor, other: Tensor) -> float:
    return float(one @ other / (one.norm() * other.norm()))


def wrong(logits: list[float], right: int) -> float:
    return math.log(sum(math.exp(logit) for logit in logits)) - logits[right]


def test_a_video_is_told_from_others_by_its_text_and_the_other_way_round() -> None:
    torch.manual_seed(0)
    video_BM, text_BM = torch.randn(3, 8), torch.randn(3, 8)
    losses = []
    for here, there in ((video_BM, text_BM), (text_BM, video_BM)):
        for place in range(3):
            logits = [like(here[place], other) / 0.07 for other in there]
            losses.append(wrong(logits, place))
    found = Contrast().between(video_BM, text_BM)
    assert found.item() == pytest.approx(sum(losses) / 6, rel=1e-4)
    assert Contrast().between(video_BM[:1], text_BM[:1]) == 0


def test_what_is_chosen_is_told_from_what_scores_high_and_lies_apart() -> None:
    """Of 40 frames two are contrasted, none within four of one that is chosen."""
    torch.manual_seed(1)
    video = torch.randn(40, 8), torch.randn(40)
    text = torch.randn(40, 8), torch.randn(40)
    chosen_T = torch.zeros(40, dtype=torch.bool)
    chosen_T[12:15] = True
    for _, score_T in (video, text):
        score_T[[8, 18]], score_T[[7, 19]] = 9.0, 8.0
    apart = [frame for frame in range(40) if not 8 <= frame <= 18]
    losses = []
    for (x_TM, score_T), (other_TM, _) in ((video, text), (text, video)):
        best = sorted(apart, key=lambda frame: -float(score_T[frame]))[:2]
        mean_M, target_M = x_TM[chosen_T].mean(0), other_TM[chosen_T].mean(0)
        logits = [like(mean_M, one) for one in (target_M, *x_TM[best])]
        losses.append(wrong([-math.log(0.07) * logit for logit in logits], 0))
    found = Contrast().within(video, text, chosen_T)
    assert found.item() == pytest.approx(sum(losses) / 2, rel=1e-4)


def test_where_all_or_nothing_is_chosen_nothing_is_contrasted() -> None:
    both = (torch.randn(9, 4), torch.randn(9))
    assert Contrast().within(both, both, torch.ones(9, dtype=torch.bool)) == 0
    assert Contrast().within(both, both, torch.zeros(9, dtype=torch.bool)) == 0

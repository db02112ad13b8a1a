"""Frames that stand for much of a video and differ from those chosen before: nothing is learnt.

How well a set S of frames stands for a video is f(S) = Σ_i max_{j in S} s(i, j), with s the cosine
between image features where it is positive: the objective of facility location, k-medoids' by
another name, which Gygli, Grabner and Van Gool (*Video Summarization by Learning Submodular
Mixtures of Objectives*, CVPR 2015) call representativeness. f is submodular, so taking the frame
of the largest gain each time is within 1 - 1/e of the best set of any size (Nemhauser, Wolsey and
Fisher, 1978), and a gain only falls as the set grows, so that stale ones are bounds (Minoux,
1978). A frame's score is its gain when it was taken, as a share of the first one's: all that many
frames share is counted once, for the frame that shows it best.

Shapes: B videos, T frames, D feature width.
"""

import heapq
from collections.abc import Mapping
from typing import Any, Self

import torch
from torch import Tensor

from stages.scorers.scorer import Scorer
from stages.scorers.settings import RepresentativeEntry

_NEGLIGIBLE = 1e-4
"""Gains below this share of the first are not told apart: what they are is what the rest score."""


def gains(features_TD: Tensor) -> Tensor:
    """What each frame added to how well those taken before it stood for the video, (T,).

    Memory is O(T D): similarities are computed a row at a time, when a bound has to be looked at.

    Args:
        features_TD: of any scale; a frame of zeros is like no other, and like itself.
    """
    unit_TD = torch.nn.functional.normalize(features_TD.float(), dim=1)
    covered_T = torch.zeros(len(unit_TD))
    found_T = torch.zeros(len(unit_TD))

    def row(frame: int) -> Tensor:
        like_T = (unit_TD @ unit_TD[frame]).clamp_(min=0)
        like_T[frame] = 1
        return like_T

    def gain(frame: int) -> float:
        return float((row(frame) - covered_T).clamp_(min=0).sum())

    # (bound, frame, how many were taken when it was exact); the earliest of equals first.
    queue = [(-gain(frame), frame, 0) for frame in range(len(unit_TD))]
    heapq.heapify(queue)
    first, taken = -queue[0][0], 0
    while queue:
        bound, frame, exact_at = heapq.heappop(queue)
        if -bound < _NEGLIGIBLE * first:
            found_T[frame] = -bound
            continue
        if exact_at < taken:
            heapq.heappush(queue, (-gain(frame), frame, taken))
            continue
        found_T[frame] = -bound
        covered_T = torch.maximum(covered_T, row(frame))
        taken += 1
    return found_T


class Representative(Scorer):
    """A video's frames by `gains` in the image features; the first one taken scores 1."""

    kind = "representative"
    learns = False

    @classmethod
    def build(cls, entry: RepresentativeEntry, widths: Mapping[str, int]) -> Self:
        return cls()

    @property
    def architecture(self) -> dict[str, Any]:
        return {}

    def forward(self, inputs: Mapping[str, Tensor], valid_BT: Tensor | None = None) -> Tensor:
        (x_BTD,) = inputs.values()
        scores_BT = torch.zeros(x_BTD.shape[:2])
        for place, x_TD in enumerate(x_BTD.cpu()):
            real_T = slice(None) if valid_BT is None else valid_BT[place].cpu()
            gains_T = gains(x_TD[real_T])
            scores_BT[place, real_T] = gains_T / gains_T.max()
        return scores_BT.to(x_BTD.device)

    def absorb(self, means: Mapping[str, Tensor], deviations: Mapping[str, Tensor]) -> None:
        raise AssertionError("nothing is learnt, so nothing is standardised")

"""Frames that stand for much of a video and differ from those chosen before: nothing is learnt.

How well a set S of frames stands for a video is f(S) = Σ_i max_{j in S} s(i, j), with s the cosine
between image features where it is positive: the objective of facility location, k-medoids' by
another name, which Gygli, Grabner and Van Gool (*Video Summarization by Learning Submodular
Mixtures of Objectives*, CVPR 2015) call representativeness. f is submodular, so taking the frame
of the largest gain each time is within 1 - 1/e of the best set of any size (Nemhauser, Wolsey and
Fisher, 1978), and a gain only falls as the set grows, so that stale ones are bounds (Minoux,
1978). A frame's score is its gain when it was taken, as a share of the first one's: all that many
frames share is counted once, for the frame that shows it best.

Two frames that stand for each other alone add exactly as much, whichever is taken: equal gains are
common. Of such the earliest is taken, on every machine: products and sums are in float64, and
gains rounded, so that last digits, which differ between machines, decide nothing.

Shapes: B videos, T frames, D feature width.
"""

import heapq
from collections.abc import Mapping, Sequence
from typing import Any, Self

import torch
from torch import Tensor

from stages.scorers.scorer import Scorer
from stages.scorers.settings import RepresentativeEntry

_TOGETHER = 64
"""Rows of similarities looked at together."""

_KEPT = 1 << 27
"""Similarities that are kept, 512 MB: all of a film of 11,500 frames, an hour and a half at two a
second. Of a longer one they are computed whenever they are looked at, which is slower."""

_DECIMALS = 9
"""Of a gain, whose unit is one frame that is stood for; the first is at least 1."""

_NEGLIGIBLE = 1e-4
"""Gains below this share of the first are not told apart: what they are is what the rest score."""


def gains(features_TD: Tensor) -> Tensor:
    """What each frame added to how well those taken before it stood for the video, (T,).

    Memory is O(T D), beside similarities of 512 MB at most. Of bounds that are stale the largest
    are looked at together, which takes little longer than one alone.

    Args:
        features_TD: of any scale; a frame of zeros is like no other, and like itself.
    """
    unit_TD = torch.nn.functional.normalize(features_TD.double(), dim=1)
    count = len(unit_TD)
    parts = [range(at, min(at + _TOGETHER, count)) for at in range(0, count, _TOGETHER)]
    covered_T = torch.zeros(count, dtype=torch.float64)
    found_T = torch.zeros(count)

    def computed(frames: Sequence[int]) -> Tensor:
        """Similarities of these frames to all, (frames, T), in float32."""
        like_RT = (unit_TD[frames] @ unit_TD.T).clamp_(min=0).float()
        like_RT[range(len(frames)), frames] = 1
        return like_RT

    kept_TT = torch.empty(count, count) if count**2 <= _KEPT else None
    if kept_TT is not None:
        for part in parts:
            kept_TT[part] = computed(part)

    def like(frames: Sequence[int]) -> Tensor:
        """The same in float64."""
        return (computed(frames) if kept_TT is None else kept_TT[frames]).double()

    # (bound, frame, how many were taken when it was exact); the earliest of equals first.
    queue: list[tuple[float, int, int]] = []
    first, taken = 0.0, 0

    def look_at(frames: Sequence[int]) -> None:
        gains_R = (like(frames) - covered_T).clamp_(min=0).sum(dim=1)
        for frame, gain in zip(frames, gains_R.tolist(), strict=True):
            heapq.heappush(queue, (-round(gain, _DECIMALS), frame, taken))

    for part in parts:
        look_at(part)
    first = -queue[0][0]
    while queue:
        bound, frame, exact_at = heapq.heappop(queue)
        if -bound < _NEGLIGIBLE * first:
            found_T[frame] = -bound
        elif exact_at == taken:
            found_T[frame] = -bound
            covered_T = torch.maximum(covered_T, like([frame])[0])
            taken += 1
        else:
            stale = [frame]
            while len(stale) < _TOGETHER and queue and queue[0][2] < taken:
                if -queue[0][0] < _NEGLIGIBLE * first:
                    break
                stale.append(heapq.heappop(queue)[1])
            look_at(stale)
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

"""A2Summ's two contrasts: of a video with others, and of what is chosen of it with what is not.

He et al. (CVPR 2023), section 3.4, as the authors' code has them. Shapes: B videos, T frames or
captions, P of them that are not chosen, K of those, J = K + 1, M width.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, max_pool1d, normalize

_START = math.log(1 / 0.07)
_NEAR = 4
"""Frames next to a chosen one that do not count as not chosen."""

_SHARE = 16
"""One in so many of a video's frames is contrasted with those chosen."""


class Contrast(nn.Module):
    """Both contrasts, with a learnt scale each: of the first, its logarithm."""

    def __init__(self) -> None:
        super().__init__()
        self.between_scale = nn.Parameter(torch.tensor(_START))
        self.video_scale = nn.Parameter(torch.tensor(_START))
        self.text_scale = nn.Parameter(torch.tensor(_START))

    def between(self, video_BM: Tensor, text_BM: Tensor) -> Tensor:
        """A video's CLS token should be nearest its own text's, and the other way round. Zero
        where a batch holds one video.
        """
        like_BB = normalize(video_BM, dim=1) @ normalize(text_BM, dim=1).T
        logits_BB = self.between_scale.exp() * like_BB
        own_B = torch.arange(len(logits_BB), device=logits_BB.device)
        return (cross_entropy(logits_BB, own_B) + cross_entropy(logits_BB.T, own_B)) / 2

    def within(
        self, video: tuple[Tensor, Tensor], text: tuple[Tensor, Tensor], chosen_T: Tensor
    ) -> Tensor:
        """The mean of the chosen frames should be nearer that of the chosen captions than frames
        that score high, and are neither chosen nor near to one that is; and the other way round.

        Args:
            video: embeddings (T, M) and scores (T,) of one video's frames.
            text: of its captions.
            chosen_T: True at people's keyshots.

        Returns:
            The loss; 0 where nothing is chosen.
        """
        if not chosen_T.any():
            return video[0].sum() * 0
        near_1T = max_pool1d(chosen_T[None].float(), 2 * _NEAR + 1, 1, _NEAR)
        seen, read = (_Sorted.of(*side, chosen_T, near_1T[0] == 0) for side in (video, text))
        to_text = _nearer(seen.chosen_M, read.chosen_M, seen.apart_KM, self.video_scale)
        to_video = _nearer(read.chosen_M, seen.chosen_M, read.apart_KM, self.text_scale)
        return (to_text + to_video) / 2


class _Sorted(NamedTuple):
    """chosen_M: the mean of what is chosen. apart_KM: the highest scored of what is not."""

    chosen_M: Tensor
    apart_KM: Tensor

    @classmethod
    def of(cls, x_TM: Tensor, score_T: Tensor, chosen_T: Tensor, apart_T: Tensor) -> "_Sorted":
        apart_PM, score_P = x_TM[apart_T], score_T[apart_T]
        count = min(max(1, len(x_TM) // _SHARE), len(score_P))
        return cls(x_TM[chosen_T].mean(dim=0), apart_PM[score_P.topk(count).indices])


def _nearer(x_M: Tensor, like_M: Tensor, unlike_KM: Tensor, scale: Tensor) -> Tensor:
    """Cross-entropy of x's being like the one, not the others, by scaled cosines."""
    others_JM = torch.cat([like_M[None], unlike_KM])
    logits_J = normalize(others_JM, dim=1) @ normalize(x_M, dim=0) * scale
    return -logits_J.log_softmax(dim=0)[0]

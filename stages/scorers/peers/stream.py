"""Peers that are fed one vector a frame, and how most peers begin.

Shapes: B videos, T frames, D width of the input.
"""

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from stages.scorers.head import maximum
from stages.scorers.peers.peer import Peer
from stages.scorers.scorer import Batch


class Stream(Peer):
    """A peer of one input; of several equally wide ones, their elementwise maximum.

    What it learns by default is people's scores, stretched to 0..1 video by video.
    """

    @classmethod
    def prepare(cls, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """One vector a frame. Raises UserError where inputs are of different widths."""
        return maximum(cls.kind, inputs)

    def loss(self, scores_BT: Tensor, batch: Batch) -> Tensor:
        """The squared error on `stretched` scores, a mean over real frames."""
        target_BT = stretched(batch.gtscore_BT, batch.valid_BT)
        return super().loss(scores_BT, batch._replace(gtscore_BT=target_BT))


def stretched(gtscore_BT: Tensor, valid_BT: Tensor) -> Tensor:
    """People's scores with each video's least at 0 and its greatest at 1, (B, T).

    All alike, they are 0. Padding is as it was.
    """
    low_B1 = gtscore_BT.masked_fill(~valid_BT, torch.inf).amin(1, keepdim=True)
    high_B1 = gtscore_BT.masked_fill(~valid_BT, -torch.inf).amax(1, keepdim=True)
    spread_B1 = high_B1 - low_B1
    found_BT = (gtscore_BT - low_B1) / spread_B1.where(spread_B1 > 0, torch.ones_like(spread_B1))
    return torch.where(valid_BT, found_BT, gtscore_BT)


@torch.no_grad()
def started(model: nn.Module, bias: float = 0.1) -> None:
    """Every linear layer as VASNet's authors, and others after them, begin: Xavier's uniform
    weights with a gain of √2, and each bias the same.
    """
    for part in model.modules():
        if isinstance(part, nn.Linear):
            nn.init.xavier_uniform_(part.weight, gain=math.sqrt(2))
            if part.bias is not None:
                nn.init.constant_(part.bias, bias)

"""LayerNorm as VASNet and MSVA wrote it themselves.

Shapes: D width.
"""

import torch
from torch import Tensor, nn

_EPSILON = 1e-6


class Norm(nn.Module):
    """gamma · (x - mean) / (deviation + 1e-6) + beta over the last axis.

    The deviation is the unbiased one, and the small number is added to it rather than to the
    variance; torch's does neither.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(width))
        self.beta = nn.Parameter(torch.zeros(width))

    def forward(self, x: Tensor) -> Tensor:
        centred = x - x.mean(-1, keepdim=True)
        found: Tensor = self.gamma * centred / (x.std(-1, keepdim=True) + _EPSILON) + self.beta
        return found

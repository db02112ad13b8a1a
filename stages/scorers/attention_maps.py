"""How much of what a frame looked at lies near it: shares of an attention's weights.

Shapes: T frames, L layers, H heads. The weights are those of `Scorer.attention`.
"""

import torch
from torch import Tensor


def near(frames: int, reach: int) -> Tensor:
    """Which of T frames are within `reach` of which, (T, T)."""
    index_T = torch.arange(frames)
    return (index_T[:, None] - index_T).abs() <= reach


def local_share(weights_LHTT: Tensor, reach: int) -> Tensor:
    """The share of a frame's attention that stays within `reach` frames, mean over frames, (L, H).

    Uniform attention of T frames gives the mean over rows of `near` (see `uniform_share`).
    """
    close_TT = near(weights_LHTT.shape[-1], reach).to(weights_LHTT)
    return (weights_LHTT * close_TT).sum(-1).mean(-1)


def uniform_share(frames: int, reach: int) -> float:
    """What `local_share` would be if every frame looked at all alike."""
    return float(near(frames, reach).double().mean())

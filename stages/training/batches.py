"""Videos of different lengths in one tensor.

Shapes: B videos, T frames (of the longest), D embedding width.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence


@dataclass(frozen=True, eq=False)
class Video:
    """What the model learns from: `x_TD` embeddings, `gtscore_T` in 0..1, both float32."""

    name: str
    x_TD: Tensor
    gtscore_T: Tensor


class Batch(NamedTuple):
    """Several videos, zero-padded to the longest; `valid_BT` is True at real frames."""

    x_BTD: Tensor
    gtscore_BT: Tensor
    valid_BT: Tensor


def padded(videos: Sequence[Video]) -> Batch:
    """One batch of at least one video, in the order given."""
    lengths_B = torch.tensor([len(video.gtscore_T) for video in videos])
    x_BTD = pad_sequence([video.x_TD for video in videos], batch_first=True)
    gtscore_BT = pad_sequence([video.gtscore_T for video in videos], batch_first=True)
    valid_BT = torch.arange(gtscore_BT.shape[1]) < lengths_B[:, None]
    return Batch(x_BTD, gtscore_BT, valid_BT.to(x_BTD.device))

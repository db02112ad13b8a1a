"""Bringing an LLM's dimensions to one scale for training, and hiding it in the weights after.

States of one LLM for different frames are alike: most of each is the same for all frames, a few
dimensions are large everywhere. LayerNorm after the first layer then leaves the frames nearly
equal, and a post-norm encoder may not get away from predicting the mean. (The demo's LLM:
differences are about a seventh of a state's length; on raw states the training loss stays at the
variance of the scores.) An affine change before a linear layer is itself linear, so the model
that is handed out takes raw states and has the layers of the release, nothing more.

Shapes: T frames, D embedding width, M width of the attention.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from stages.scorers.global_attention import GlobalAttention
from stages.training.batches import Video

# Of the median deviation. A dimension that varies less in training counts as constant: dividing
# by its own deviation would blow up whatever a test video does there.
_CONSTANT = 0.01


@dataclass(frozen=True, eq=False)
class Standardisation:
    """x ↦ (x - mean_D) / deviation_D."""

    mean_D: Tensor
    deviation_D: Tensor

    @classmethod
    def of(cls, videos: Sequence[Video]) -> "Standardisation":
        """The one that brings the videos' frames, taken together, to mean 0 and deviation 1.

        A dimension that is constant, or as good as, is only brought to mean 0 and a usual scale.
        """
        x_TD = torch.cat([video.x_TD for video in videos]).double()
        deviation_D = x_TD.std(dim=0, correction=0)
        typical = deviation_D.median().clamp(min=torch.finfo(torch.float32).tiny)
        return cls(
            x_TD.mean(dim=0),
            torch.where(deviation_D < _CONSTANT * typical, typical, deviation_D),
        )

    def apply(self, video: Video) -> Video:
        """The video with standardised embeddings."""
        x_TD = (video.x_TD.double() - self.mean_D) / self.deviation_D
        return replace(video, x_TD=x_TD.float())

    @torch.no_grad()
    def fold(self, model: GlobalAttention) -> None:
        """Change a model of standardised embeddings, in place, into the same one of raw ones."""
        first = model.d_linear1
        weight_MD = first.weight.double().cpu() / self.deviation_D
        bias_M = first.bias.double().cpu() - weight_MD @ self.mean_D
        first.weight.copy_(weight_MD)
        first.bias.copy_(bias_M)

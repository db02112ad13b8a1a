"""Bringing an input's dimensions to one scale for training; the weights absorb it afterwards.

States of one LLM for different frames are alike: most of each is the same for all frames, a few
dimensions are large everywhere. LayerNorm after the first layer then leaves the frames nearly
equal, and a post-norm encoder may not get away from predicting the mean. (The demo's LLM:
differences are about a seventh of a state's length; on raw states the training loss stays at the
variance of the scores.) An affine change before a linear layer is itself linear, so the model
that is handed out takes raw states and has the layers of the release, nothing more.

Shapes: T frames, D width of an input.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from stages.scorers.scorer import Scorer
from stages.training.batches import Video
from stages.training.shelf import Row

# Of the median deviation. A dimension that varies less in training counts as constant: dividing
# by its own deviation would blow up whatever a test video does there.
_CONSTANT = 0.01


@dataclass(frozen=True, eq=False)
class Standardisation:
    """x ↦ (x - mean) / deviation of each prepared input, by name, (D,) each."""

    means: Mapping[str, Tensor]
    deviations: Mapping[str, Tensor]

    @classmethod
    def of(cls, videos: Sequence[Video]) -> "Standardisation":
        """The one that brings the videos' frames, taken together, to mean 0 and deviation 1.

        A dimension that is constant, or as good as, is only brought to mean 0 and a usual scale.
        Videos that memory does not hold are summed up one by one, and so round otherwise.
        """
        moments = _one_by_one(videos) if isinstance(videos, Row) else _together(videos)
        means, deviations = {}, {}
        for name, (mean_D, deviation_D) in moments.items():
            means[name], typical = mean_D, _typical(deviation_D)
            deviations[name] = torch.where(deviation_D < _CONSTANT * typical, typical, deviation_D)
        return cls(means, deviations)

    def apply(self, video: Video) -> Video:
        """The video with standardised inputs."""
        inputs = {
            name: ((x_TD.double() - self.means[name]) / self.deviations[name]).float()
            for name, x_TD in video.inputs.items()
        }
        return replace(video, inputs=inputs)

    def fold(self, model: Scorer) -> None:
        """Change a model of standardised inputs, in place, into the same one of raw ones."""
        model.absorb(self.means, self.deviations)


def _typical(deviation_D: Tensor) -> Tensor:
    """The median deviation; where most dimensions are constant, that of the others, or 1."""
    median = deviation_D.median()
    if median > 0:
        return median
    varying = deviation_D[deviation_D > 0]
    return varying.median() if len(varying) else torch.ones_like(median)


Moments = dict[str, tuple[Tensor, Tensor]]
"""By input: mean and deviation (D,) of all frames, in float64."""


def _together(videos: Sequence[Video]) -> Moments:
    found = {}
    for name in videos[0].inputs:
        x_TD = torch.cat([video.inputs[name] for video in videos]).double()
        deviation_D = x_TD.std(dim=0, correction=0)
        found[name] = (x_TD.mean(dim=0), deviation_D)
    return found


def _one_by_one(videos: Sequence[Video]) -> Moments:
    """By the update of Chan, Golub and LeVeque (1983), which does not cancel."""
    frames = 0
    means: dict[str, Tensor] = {}
    squares: dict[str, Tensor] = {}
    for video in videos:
        count = len(video.gtscore_T)
        for name, x_TD in video.inputs.items():
            mean_D = x_TD.double().mean(dim=0)
            square_D = (x_TD.double() - mean_D).square().sum(dim=0)
            if not frames:
                means[name], squares[name] = mean_D, square_D
                continue
            apart_D, share = mean_D - means[name], count / (frames + count)
            squares[name] = squares[name] + square_D + apart_D.square() * frames * share
            means[name] = means[name] + apart_D * share
        frames += count
    return {name: (means[name], (squares[name] / frames).sqrt()) for name in means}

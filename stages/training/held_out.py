"""What is measured of videos held out while a model trains.

Shapes: B videos, T frames.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from stages.scorers.global_attention import GlobalAttention
from stages.training.batches import Batch, Video, padded

Judge = Callable[[npt.NDArray[np.float32]], tuple[float, float]]
"""Scores (T,) of one video to Kendall's τ and Spearman's ρ with people, by the dataset's rules."""


@dataclass(frozen=True, eq=False)
class Watch:
    """What chooses the weights that are kept: the best mean τ on these videos.

    videos: judged together; may be the test videos themselves.
    judges: by name, one for each of the videos.
    halfway: judge after half of an epoch's passes too, not only at its end.
    """

    videos: Sequence[Video]
    judges: Mapping[str, Judge]
    halfway: bool


def squared_error(scores_BT: Tensor, batch: Batch) -> Tensor:
    """Mean over real frames of (score - gtscore)²: padding counts nowhere."""
    return functional.mse_loss(scores_BT[batch.valid_BT], batch.gtscore_BT[batch.valid_BT])


def moved(batch: Batch, where: torch.device) -> Batch:
    """The batch on a device."""
    return Batch(*(tensor.to(where) for tensor in batch))


class HeldOut:
    """The test videos and those watched, in one batch."""

    def __init__(self, test: Sequence[Video], watch: Watch | None, where: torch.device) -> None:
        tested = {video.name for video in test}
        watched = [] if watch is None else watch.videos
        videos = [*test, *(video for video in watched if video.name not in tested)]
        self._batch = moved(padded(videos), where)
        self._test = Batch(*(tensor[: len(test)] for tensor in self._batch))
        self._rows = {video.name: (row, len(video.gtscore_T)) for row, video in enumerate(videos)}
        self._names = [video.name for video in watched]
        self._judges = {} if watch is None else watch.judges

    @torch.inference_mode()
    def measure(self, model: GlobalAttention) -> tuple[float, float | None]:
        """The test loss, and the mean τ over the videos watched, None where none is.

        The loss of a model that fell apart is not finite. The model is left in training mode.
        """
        model.eval()
        scores_BT = model(self._batch.x_BTD, self._batch.valid_BT)
        model.train()
        loss = squared_error(scores_BT[: len(self._test.valid_BT)], self._test).item()
        if not torch.isfinite(scores_BT).all():
            return math.nan, None
        if not self._names:
            return loss, None
        scores: npt.NDArray[np.float32] = scores_BT.cpu().numpy()
        taus = []
        for name in self._names:
            row, length = self._rows[name]
            taus.append(self._judges[name](scores[row, :length])[0])
        return loss, float(np.mean(taus))

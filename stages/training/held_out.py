"""What is measured of videos held out while a model trains.

Shapes: B videos, T frames.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from stages.scorers.scorer import Scorer
from stages.training.batches import Video, first, moved, padded
from stages.training.settings import By

AgreementOf = Callable[[npt.NDArray[np.float32]], tuple[float, float]]
"""Scores (T,) of one video to Kendall's τ and Spearman's ρ with people, by the dataset's rules."""


@dataclass(frozen=True, eq=False)
class Watch:
    """What chooses the weights that are kept: the best mean agreement on these videos.

    videos: judged together; may be the test videos themselves.
    agreement: by name, one for each of the videos.
    halfway: judge after half of an epoch's passes too, not only at its end.
    by: which agreement counts.
    """

    videos: Sequence[Video]
    agreement: Mapping[str, AgreementOf]
    halfway: bool
    by: By = "tau"


class Measured(NamedTuple):
    """The test loss, and the mean τ and ρ over the videos watched, None where none is."""

    loss: float
    tau: float | None = None
    rho: float | None = None


class HeldOut:
    """The test videos and those watched, in one batch."""

    def __init__(self, test: Sequence[Video], watch: Watch | None, where: torch.device) -> None:
        tested = {video.name for video in test}
        watched = [] if watch is None else watch.videos
        videos = [*test, *(video for video in watched if video.name not in tested)]
        self._batch = moved(padded(videos), where)
        self._test = first(self._batch, len(test))
        self._rows = {video.name: (row, len(video.gtscore_T)) for row, video in enumerate(videos)}
        self._names = [video.name for video in watched]
        self._agreement = {} if watch is None else watch.agreement

    @torch.inference_mode()
    def measure(self, model: Scorer) -> Measured:
        """What is to be known of the weights as they are.

        The loss of a model that fell apart is not finite. The model is left in training mode.
        """
        model.eval()
        scores_BT = model(self._batch.inputs, self._batch.valid_BT)
        model.train()
        loss = model.loss(scores_BT[: len(self._test.valid_BT)], self._test).item()
        if not torch.isfinite(scores_BT).all():
            return Measured(math.nan)
        if not self._names:
            return Measured(loss)
        scores: npt.NDArray[np.float32] = scores_BT.cpu().numpy()
        agreed = []
        for name in self._names:
            row, length = self._rows[name]
            agreed.append(self._agreement[name](scores[row, :length]))
        return Measured(loss, *(float(np.mean(each)) for each in zip(*agreed, strict=True)))

"""What is measured of videos held out while a model trains.

Shapes: B videos, T frames.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple, get_args

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from stages.scorers.scorer import Batch, Scorer
from stages.splits.dealing import share
from stages.training.batches import Video, first, padded
from stages.training.settings import By
from stages.training.shelf import Row

Floats = npt.NDArray[np.float32]
AgreementOf = Callable[[Floats], tuple[float, float]]
"""Scores (T,) of one video to Kendall's τ and Spearman's ρ with people, by the dataset's rules."""


@dataclass(frozen=True, eq=False)
class Watch:
    """What chooses the weights that are kept: the best mean agreement on these videos.

    videos: judged together; may be the test videos themselves.
    agreement: by name, one for each of the videos.
    halfway: judge after half of an epoch's passes too, not only at its end.
    by: which agreement counts.
    gpus: of so many shares of the videos each must be better, as `settings.Official` says.
    """

    videos: Sequence[Video]
    agreement: Mapping[str, AgreementOf]
    halfway: bool
    by: By = "tau"
    gpus: int = 1

    @property
    def names(self) -> tuple[str, ...]:
        """Of the videos."""
        if isinstance(self.videos, Row):
            return self.videos.names
        return tuple(video.name for video in self.videos)


class Measured(NamedTuple):
    """The test loss, and the mean τ and ρ over the videos watched, None where none is; and what
    the epoch is chosen by, of each share of these videos.
    """

    loss: float
    tau: float | None = None
    rho: float | None = None
    shares: tuple[float, ...] = ()


TOGETHER = 100_000
"""Frames, padding included, that are measured in one batch: TVSum's fifty videos have fewer."""


class HeldOut:
    """The test videos and those watched, in one batch on a device; where memory does not hold all
    videos, or there are many, one after the other.
    """

    def __init__(self, test: Sequence[Video], watch: Watch | None, where: torch.device) -> None:
        self._test, self._watch, self._where = test, watch, where
        self._batch: Batch | None = None
        self._lengths: list[int] = []
        self._rows: dict[str, int] = {}
        if isinstance(test, Row):
            return
        videos = [*test, *self._watched_beside(test)]
        if len(videos) * max(len(video.gtscore_T) for video in videos) <= TOGETHER:
            self._batch = padded([video.on(where) for video in videos])
            self._lengths = [len(video.gtscore_T) for video in videos]
            self._rows = {video.name: row for row, video in enumerate(videos)}

    def _watched_beside(self, test: Sequence[Video]) -> list[Video]:
        tested = {video.name for video in test}
        watched = [] if self._watch is None else self._watch.videos
        return [video for video in watched if video.name not in tested]

    @torch.inference_mode()
    def measure(self, model: Scorer) -> Measured:
        """What is to be known of the weights as they are.

        The loss of a model that fell apart is not finite. The model is left in training mode.
        """
        model.eval()
        loss, scores = self._at_once(model) if self._batch else self._in_turn(model)
        model.train()
        if not all(np.isfinite(scores_T).all() for scores_T in scores.values()):
            return Measured(math.nan)
        if self._watch is None or not self._watch.videos:
            return Measured(loss)
        agreed = {name: self._watch.agreement[name](scores[name]) for name in self._watch.names}
        tau, rho = (float(np.mean(each)) for each in zip(*agreed.values(), strict=True))
        return Measured(loss, tau, rho, self._shares(self._watch, agreed))

    def _at_once(self, model: Scorer) -> tuple[float, dict[str, Floats]]:
        """The test loss, and every video's scores (T,)."""
        assert self._batch is not None
        scores_BT = scores_of(model, self._batch, self._lengths)
        tested = first(self._batch, len(self._test))
        of_test = model.learnt(tested, scores_BT[: len(self._test)])
        # A device is waited for once.
        read_N = torch.cat([scores_BT.flatten(), of_test.view(1)]).cpu().numpy()
        loss, read_BT = float(read_N[-1]), read_N[:-1].reshape(scores_BT.shape)
        return loss, {name: read_BT[row, : self._lengths[row]] for name, row in self._rows.items()}

    def _in_turn(self, model: Scorer) -> tuple[float, dict[str, Floats]]:
        """The same of one video at a time; the loss is the mean over frames, as in a batch."""
        scores: dict[str, Floats] = {}
        total = frames = 0.0
        watched = () if self._watch is None else self._watch.videos
        for place, video in enumerate(chain(self._test, watched)):
            if video.name in scores:
                continue
            batch = padded([video.on(self._where)])
            scores_1T = model(batch.inputs, batch.valid_BT)
            scores[video.name] = scores_1T[0].cpu().numpy()
            if place < len(self._test):
                length = len(video.gtscore_T)
                total += float(model.learnt(batch, scores_1T)) * length
                frames += length
        return total / frames, scores

    def _shares(self, watch: Watch, agreed: Mapping[str, tuple[float, float]]) -> tuple[float, ...]:
        place = get_args(By).index(watch.by)
        if watch.gpus == 1:
            return (float(np.mean([marks[place] for marks in agreed.values()])),)
        dealt = (share(list(agreed), gpu, watch.gpus) for gpu in range(watch.gpus))
        return tuple(float(np.mean([agreed[name][place] for name in of])) for of in dealt)


def scores_of(model: Scorer, batch: Batch, lengths: Sequence[int]) -> Tensor:
    """Scores (B, T) of videos of these lengths, zero at padding.

    On a CPU at once, where a scorer leaves padding out by itself; elsewhere one by one, as most of
    a batch of long and short videos would be padding.
    """
    if batch.gtscore_BT.device.type == "cpu":
        found: Tensor = model(batch.inputs, batch.valid_BT)
        return found
    return one_by_one(model, batch, lengths)


def one_by_one(model: Scorer, batch: Batch, lengths: Sequence[int]) -> Tensor:
    """The same, each video without its padding."""
    scores = []
    for row, length in enumerate(lengths):
        inputs = {name: x_BTD[row : row + 1, :length] for name, x_BTD in batch.inputs.items()}
        scores.append(model(inputs)[0])
    return pad_sequence(scores, batch_first=True)

"""A pass: a few videos through the model, and a step where one is due.

On a device nothing of it waits for the host: the videos lie there from the start, where memory
holds them, and the sum of losses stays there until somebody asks for its mean.
"""

from collections.abc import Sequence

import torch

from stages.scorers.scorer import Scorer
from stages.training.batches import Video, padded
from stages.training.optimisation import Optimisation
from stages.training.shelf import changed


class Passes:
    """The passes of an epoch, one after another.

    Args:
        model: on the device, to be trained.
        videos: to learn from.
        optimisation: of the model.
        where: the device.
    """

    def __init__(
        self,
        model: Scorer,
        videos: Sequence[Video],
        optimisation: Optimisation,
        where: torch.device,
    ) -> None:
        self._model, self._optimisation, self._where = model, optimisation, where
        self._videos = changed(videos, lambda video: video.on(where))
        self.begin()

    def begin(self) -> None:
        """Forget the passes so far: an epoch begins."""
        self._squares, self._frames = torch.zeros((), device=self._where), 0

    def learn(self, chosen: Sequence[int], number: int, passes: int) -> None:
        """Learn from some videos, by their places, in pass `number` (from 0) of so many."""
        taken = [self._videos[index] for index in chosen]
        batch = padded(taken)
        with self._optimisation.precision():
            loss = self._model.learnt(batch)
        self._optimisation.learn(loss, number, passes)
        size = sum(len(video.gtscore_T) for video in taken)
        self._squares, self._frames = self._squares + loss.detach() * size, self._frames + size

    @property
    def loss(self) -> float:
        """The mean over frames of the passes since the epoch began; waits for the device."""
        return self._squares.item() / self._frames

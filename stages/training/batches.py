"""Videos of different lengths in one tensor.

Shapes: B videos, T frames (of the longest), D width of an input.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from stages.scorers.scorer import Batch, alone


@dataclass(frozen=True, eq=False)
class Video:
    """What a scorer learns from: its prepared inputs, (T, D) each, and `gtscore_T` in 0..1, all
    float32; for kinds that learn from people's keyshots, `keyshots_T` in bool too.
    """

    name: str
    inputs: Mapping[str, Tensor]
    gtscore_T: Tensor
    keyshots_T: Tensor | None = None

    @property
    def widths(self) -> dict[str, int]:
        return {name: x_TD.shape[1] for name, x_TD in self.inputs.items()}

    @property
    def nbytes(self) -> int:
        """Bytes of its arrays."""
        tensors = (*self.inputs.values(), self.gtscore_T, self.keyshots_T)
        return sum(tensor.nbytes for tensor in tensors if tensor is not None)

    def on(self, where: torch.device) -> "Video":
        """The video on a device."""
        inputs = {name: x_TD.to(where) for name, x_TD in self.inputs.items()}
        keyshots_T = None if self.keyshots_T is None else self.keyshots_T.to(where)
        return Video(self.name, inputs, self.gtscore_T.to(where), keyshots_T)


def padded(videos: Sequence[Video]) -> Batch:
    """One batch of at least one video, in the order given, where they are; a single one is not
    copied.
    """
    if len(videos) == 1:
        (video,) = videos
        gtscore_1T = video.gtscore_T[None]
        valid_1T = torch.ones_like(gtscore_1T, dtype=torch.bool)
        keyshots_1T = None if video.keyshots_T is None else video.keyshots_T[None]
        return Batch(alone(video.inputs), gtscore_1T, valid_1T, keyshots_1T, whole=True)
    inputs = {
        name: pad_sequence([video.inputs[name] for video in videos], batch_first=True)
        for name in videos[0].inputs
    }
    gtscore_BT = pad_sequence([video.gtscore_T for video in videos], batch_first=True)
    real = [torch.ones_like(video.gtscore_T, dtype=torch.bool) for video in videos]
    chosen = [video.keyshots_T for video in videos if video.keyshots_T is not None]
    keyshots_BT = pad_sequence(chosen, batch_first=True) if chosen else None
    return Batch(inputs, gtscore_BT, pad_sequence(real, batch_first=True), keyshots_BT)


def first(batch: Batch, videos: int) -> Batch:
    """The batch's first so many videos, padded as they were."""
    inputs = {name: x_BTD[:videos] for name, x_BTD in batch.inputs.items()}
    keyshots_BT = None if batch.keyshots_BT is None else batch.keyshots_BT[:videos]
    gtscore_BT, valid_BT = batch.gtscore_BT[:videos], batch.valid_BT[:videos]
    return Batch(inputs, gtscore_BT, valid_BT, keyshots_BT, batch.whole)

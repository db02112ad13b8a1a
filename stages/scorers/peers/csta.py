"""CSTA: a video as an image, T frames high and D features wide, attended to by a CNN.

Son, Park and Kim, *CSTA: CNN-based Spatiotemporal Attention for Video Summarization* (CVPR 2024).
Layers, their names and sizes are those of the authors' code (github.com/thswodnjs3/CSTA) as it is
configured by default, so that its checkpoints fit.

Shapes: B videos, T frames, D feature width, M width of the network (1024), A = T + 1 rows: a CLS
row before the frames.
"""

from collections.abc import Mapping
from typing import Self

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from stages.errors import UserError
from stages.scorers import released
from stages.scorers.peers import googlenet
from stages.scorers.peers.peer import started
from stages.scorers.peers.positions import sinusoid
from stages.scorers.peers.settings import CstaEntry
from stages.scorers.peers.stream import Stream
from stages.scorers.scorer import matrices

_SHORTEST = googlenet.SMALLEST - 1

_COUNTED = 320
"""Rows of the image, frames, that what the CNN does is counted on."""

_POSITIONS = "Positional_encoding_op.pe"
"""A table of the sinusoid in its authors' checkpoints."""


class Csta(Stream):
    """Features under a CLS row, as three channels → keys → GoogLeNet's map pooled back to (A, M)
    → + keys, batch normalisation, + sinusoid → softmax over time and over features, each times the
    values, summed → A rows averaged to T → Linear, ReLU, LayerNorm → Linear, sigmoid.

    The channels hold the same frames and differ in their CLS rows alone; values, and the keys
    that are added, are those of the first. What is normalised over is one video, whatever the
    batch, as in its authors' batches of one.

    In the paper the CNN starts from ImageNet: here only where the entry names torchvision's file
    (`start`), and else from random weights. Its code fails from 5000 frames on, where here
    positions have no end. It needs 14 frames, there as here.

        Args:
        width: D. Paper: 1024.
        dropout: on the softmaxes. Paper: 0.6.
        standardised: as in `Peer`.
    """

    kind = "csta"

    def __init__(
        self,
        width: int = 1024,
        dropout: float = 0.6,
        standardised: Mapping[str, int] | None = None,
    ) -> None:
        super().__init__(standardised)
        self.sizes = {"width": width, "dropout": dropout}
        inner = googlenet.CHANNELS
        self.googlenet = googlenet.GoogLeNet()
        self.dropout = nn.Dropout(dropout)
        self.linear1 = nn.Sequential(
            nn.Linear(inner, inner), nn.ReLU(), nn.Dropout(0.5), nn.LayerNorm(inner, eps=1e-6)
        )
        self.linear2 = nn.Sequential(nn.Linear(inner, 1), nn.Sigmoid())
        self.CLS = nn.Parameter(torch.zeros(1, 3, 1, width))
        self.key_embedding = nn.Linear(width, inner)
        self.value_embedding = nn.Linear(width, inner)
        # Its authors' name; there is one mean and one deviation for the whole map.
        self.layernorm1 = nn.BatchNorm2d(1)
        started(self.linear1)
        started(self.linear2)

    @classmethod
    def build(cls, entry: CstaEntry, widths: Mapping[str, int]) -> Self:
        (width,) = widths.values()
        model = cls(width, entry.dropout)
        if entry.start is not None:
            googlenet.start(model.googlenet, entry.start)
        return model

    @classmethod
    def of_weights(cls, state: Mapping[str, Tensor]) -> Self:
        model = cls(released.shape(state, "CLS", 4)[-1])
        if _POSITIONS in state:
            _check_positions(state[_POSITIONS])
        # How often batch normalisation was updated is not used, and older files lack it.
        counts = {n: of for n, of in model.state_dict().items() if n.endswith("_batches_tracked")}
        return released.fitted(model, counts | dict(state), spare=(_POSITIONS, "googlenet.fc."))

    @property
    def products(self) -> int:
        """Its three channels have keys each; those of the CNN are counted as torch counts them."""
        with torch.device("meta"), FlopCounterMode(display=False) as counter:
            googlenet.GoogLeNet().eval()(torch.empty(1, 3, _COUNTED, googlenet.CHANNELS))
        seen = int(counter.get_total_flops()) // (2 * _COUNTED)
        lines = matrices(self.value_embedding, self.linear1, self.linear2)
        return seen + 3 * matrices(self.key_embedding) + lines

    def video(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Raises UserError for a video too short for the CNN."""
        (x_TD,) = inputs.values()
        frames = len(x_TD)
        if frames < _SHORTEST:
            raise UserError(
                f"CSTA halves a video's length until nothing is left of fewer than {_SHORTEST} "
                f"frames, and one has {frames}; leave the model out of run.models, or sample more "
                "frames"
            )
        x_13AD = torch.cat([self.CLS, x_TD.expand(1, 3, *x_TD.shape)], dim=2)
        key_13AM = self.key_embedding(x_13AD)
        seen_AM = _heightened(self.googlenet(key_13AM)[0], frames + 1) + key_13AM[0, 0]
        seen_AM = self.layernorm1(seen_AM[None, None])[0, 0]
        seen_AM = seen_AM + sinusoid(seen_AM)
        in_time_AM = self.dropout(seen_AM.softmax(dim=0))
        in_space_AM = self.dropout(seen_AM.softmax(dim=1))
        value_AM = self.value_embedding(x_13AD[0, 0])
        mixed_AM = value_AM * in_time_AM + value_AM * in_space_AM
        # What adaptive pooling of T + 1 rows to T comes to: each the mean of two neighbours.
        mixed_TM = (mixed_AM[:-1] + mixed_AM[1:]) / 2
        scores_T: Tensor = self.linear2(self.linear1(mixed_TM)).squeeze(-1)
        return scores_T


def _check_positions(table_PM: Tensor) -> None:
    if (
        table_PM.dim() != 2
        or table_PM.shape[1] % 2
        or not torch.allclose(table_PM.float(), sinusoid(table_PM), atol=1e-2)
    ):
        raise UserError(
            f"{_POSITIONS} is not the sinusoid: this is a variant of CSTA with other positions "
            "than its authors' default"
        )


def _heightened(map_Mhw: Tensor, rows: int) -> Tensor:
    """A feature map averaged over its columns, its h rows brought to more, (rows, M).

    Adaptive average pooling: row r is the mean of the map's rows from ⌊r h / rows⌋ to
    ⌈(r + 1) h / rows⌉. As a product, because torch's own has no deterministic gradient on a GPU.
    """
    height = map_Mhw.shape[1]
    place_R1 = torch.arange(rows, device=map_Mhw.device)[:, None]
    row_h = torch.arange(height, device=map_Mhw.device)
    first_R1 = place_R1 * height // rows
    end_R1 = -(-(place_R1 + 1) * height // rows)
    inside_Rh = ((row_h >= first_R1) & (row_h < end_R1)).to(map_Mhw.dtype)
    return (inside_Rh / inside_Rh.sum(1, keepdim=True)) @ map_Mhw.mean(2).T

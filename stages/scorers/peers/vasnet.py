"""VASNet: self-attention of one head over a video, then each frame by itself.

Fajtl, Sokeh, Argyriou, Monekosso, Remagnino: *Summarizing Videos with Attention*, ACCV 2018
workshops; layers and their names are those of its public code, so that its checkpoints fit.

Shapes: T frames, D width of the input, H width of the hidden layer.
"""

from collections.abc import Mapping
from typing import Self

import torch
from torch import Tensor, nn

from stages.scorers import released
from stages.scorers.peers.mixing import Mixing
from stages.scorers.peers.norm import Norm
from stages.scorers.peers.peer import started
from stages.scorers.peers.settings import VasnetEntry
from stages.scorers.peers.stream import Stream
from stages.scorers.scorer import matrices


class VasNet(Stream):
    """x + attention → Norm → Linear D to H, ReLU, Norm → Linear to 1 → sigmoid.

    Args:
        width: D. Its authors': 1024.
        hidden: H. Its authors': 1024.
        dropout: of the attention's weights, and before both norms. Its authors': 0.5.
        standardised: as in `Peer`.
    """

    kind = "vasnet"
    stretches = True

    def __init__(
        self,
        width: int,
        hidden: int = 1024,
        dropout: float = 0.5,
        standardised: Mapping[str, int] | None = None,
    ) -> None:
        super().__init__(standardised)
        self.sizes = {"width": width, "hidden": hidden, "dropout": dropout}
        self.att = Mixing(width, dropout=dropout)
        self.ka = nn.Linear(width, hidden)
        # Its authors build these two and never use them; they are in their checkpoints.
        self.kb = nn.Linear(hidden, hidden)
        self.kc = nn.Linear(hidden, hidden)
        self.kd = nn.Linear(hidden, 1)
        self.layer_norm_y = Norm(width)
        self.layer_norm_ka = Norm(hidden)
        self.dropout = nn.Dropout(dropout)
        started(self)

    @property
    def products(self) -> int:
        """Two of its layers are never used."""
        return super().products - matrices(self.kb, self.kc)

    @classmethod
    def build(cls, entry: VasnetEntry, widths: Mapping[str, int]) -> Self:
        (width,) = widths.values()
        return cls(width, entry.hidden, entry.dropout)

    @classmethod
    def of_weights(cls, state: Mapping[str, Tensor]) -> Self:
        hidden, width = released.shape(state, "ka.weight")
        return released.fitted(cls(width, hidden), state, spare=("kb.", "kc."))

    @property
    def pairs(self) -> tuple[int, int]:
        return 4 * self.att.K.out_features, 1

    def video(self, inputs: Mapping[str, Tensor]) -> Tensor:
        (x_TD,) = inputs.values()
        y_TD = self.layer_norm_y(self.dropout(self.att(x_TD) + x_TD))
        h_TH = self.layer_norm_ka(self.dropout(self.ka(y_TD).relu()))
        scores_T: Tensor = self.kd(h_TH).sigmoid().squeeze(-1)
        return scores_T

    @torch.inference_mode()
    def attention(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """(1, 1, T, T): what frame i gives frame j of its value."""
        with self._evaluating():
            (x_TD,) = self.one(inputs).values()
            return self.att.weights(x_TD)[None, None]

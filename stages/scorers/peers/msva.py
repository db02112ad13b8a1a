"""MSVA: one attention for several kinds of features, each within reach, their results summed.

Ghauri, Hakimov, Ewerth: *Supervised Video Summarization via Multiple Feature Sets with Parallel
Attention*, ICME 2021; layers and their names are those of its public code, so that its checkpoints
fit.

Shapes: T frames, D width of each input, J K L widths of the three layers that follow.
"""

from collections.abc import Mapping
from typing import Self

import torch
from torch import Tensor, nn

from stages.scorers import released
from stages.scorers.head import equally_wide
from stages.scorers.peers.mixing import Mixing
from stages.scorers.peers.norm import Norm
from stages.scorers.peers.peer import Peer, started
from stages.scorers.peers.settings import MsvaEntry
from stages.scorers.scorer import matrices

_UNUSED = ("layer_norm_y_4.", "layer_norm_kd.")


class Msva(Peer):
    """Σ over inputs of Norm(x + attention) → Linear D to J to K to L, ReLU, Norm → 1 → sigmoid.

    There is nothing between the three linear layers.

    Args:
        width: D, of every input. Its authors': 1024.
        hidden: J, K, L. Its authors': 365, 365, 512.
        reach: frames this far apart, or farther, do not see each other. Its authors': 250.
        dropout: of the attention's weights, and before both norms. Its authors': 0.5.
        standardised: as in `Peer`.
    """

    kind = "msva"
    authors_inputs = ("pool5", "i3d-rgb", "i3d-flow")
    stretches = True

    def __init__(
        self,
        width: int,
        hidden: tuple[int, int, int] = (365, 365, 512),
        reach: int = 250,
        dropout: float = 0.5,
        standardised: Mapping[str, int] | None = None,
    ) -> None:
        super().__init__(standardised)
        self.sizes = {
            "width": width,
            "hidden": list(hidden),
            "reach": reach,
            "dropout": dropout,
        }
        first, second, third = hidden
        self.att1_3 = Mixing(width, reach, dropout)
        self.ka1_3 = nn.Linear(width, first)
        self.kb = nn.Linear(first, second)
        self.kc = nn.Linear(second, third)
        self.kd = nn.Linear(third, 1)
        self.dropout = nn.Dropout(dropout)
        self.layer_norm_y_1_3 = Norm(width)
        self.layer_norm_kc = Norm(third)
        # Its authors build these two and never use them; they are in their checkpoints.
        self.layer_norm_y_4 = Norm(width)
        self.layer_norm_kd = Norm(1)
        started(self)

    @classmethod
    def prepare(cls, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """As they are. Raises UserError where they are of different widths."""
        equally_wide(inputs, f"a scorer of kind {cls.kind} has one attention for all its inputs")
        return dict(inputs)

    @classmethod
    def build(cls, entry: MsvaEntry, widths: Mapping[str, int]) -> Self:
        (width,) = set(widths.values())
        return cls(width, entry.hidden, entry.reach, entry.dropout)

    @classmethod
    def of_weights(cls, state: Mapping[str, Tensor]) -> Self:
        first, width = released.shape(state, "ka1_3.weight")
        second, _ = released.shape(state, "kb.weight")
        third, _ = released.shape(state, "kc.weight")
        return released.fitted(cls(width, (first, second, third)), state, spare=_UNUSED)

    @property
    def pairs(self) -> tuple[int, int]:
        """Of the inputs that its authors feed it."""
        inputs = len(self.authors_inputs)
        return 4 * self.att1_3.K.out_features * inputs, inputs

    @property
    def products(self) -> int:
        """Each of the inputs that its authors feed it goes through the one attention."""
        return super().products + (len(self.authors_inputs) - 1) * matrices(self.att1_3)

    def video(self, inputs: Mapping[str, Tensor]) -> Tensor:
        each = (
            self.layer_norm_y_1_3(self.dropout(self.att1_3(x_TD) + x_TD))
            for x_TD in inputs.values()
        )
        y_TD = torch.stack(list(each)).sum(0)
        h_TL = self.kc(self.kb(self.ka1_3(y_TD))).relu()
        scores_T: Tensor = self.kd(self.layer_norm_kc(self.dropout(h_TL))).sigmoid().squeeze(-1)
        return scores_T

    @torch.inference_mode()
    def attention(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """(N, 1, T, T) of N inputs, in their order: what frame i gives frame j of its value."""
        with self._evaluating():
            each = [self.att1_3.weights(x_TD) for x_TD in self.one(inputs).values()]
            return torch.stack(each)[:, None]

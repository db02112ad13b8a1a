"""The attention of VASNet and MSVA: one head, whose weights are applied transposed.

Shapes: T frames, D width of the input, H width inside.
"""

import torch
from torch import Tensor, nn

_SCALE = 0.06
"""Of the queries, whatever their width."""


class Mixing(nn.Module):
    """Each frame deals its value out to those it attends to.

    The softmax runs over what a frame looks at, and the frame's own value is then what it gives
    to each: y_j = Σ_i w[i, j] v_i. So the weights of what reaches a frame do not sum to 1.

    Args:
        width: D, and H besides.
        reach: frames this far apart, or farther, do not see each other; None where all do.
        dropout: of the weights.
    """

    def __init__(self, width: int, reach: int | None = None, dropout: float = 0.5) -> None:
        super().__init__()
        self.reach = reach
        self.K = nn.Linear(width, width, bias=False)
        self.Q = nn.Linear(width, width, bias=False)
        self.V = nn.Linear(width, width, bias=False)
        self.output_linear = nn.Linear(width, width, bias=False)
        self.dropout = nn.Dropout(dropout)

    def weights(self, x_TD: Tensor) -> Tensor:
        """(T, T): [i, j] is what frame i gives frame j, rows summing to 1."""
        logits_TT = (_SCALE * self.Q(x_TD)) @ self.K(x_TD).T
        if self.reach is not None:
            index_T = torch.arange(len(x_TD), device=x_TD.device)
            far_TT = (index_T[:, None] - index_T).abs() >= self.reach
            logits_TT = logits_TT.masked_fill(far_TT, -torch.inf)
        weights_TT: Tensor = logits_TT.softmax(-1)
        return weights_TT

    def forward(self, x_TD: Tensor) -> Tensor:
        weights_TT = self.dropout(self.weights(x_TD))
        found: Tensor = self.output_linear(weights_TT.T @ self.V(x_TD))
        return found

"""LLMVS without attention: one frame at a time (the paper's Table 2, MLP).

Shapes: B videos, T frames, D embedding width, M width of the network.
"""

from collections.abc import Mapping
from typing import Self

from torch import Tensor, nn

from stages.scorers.head import STATES, Headed, head, loaded, own
from stages.scorers.settings import MlpEntry


class Mlp(Headed):
    """The frame's states through the first layer and the head, nothing between.

    Args:
        embedding: D, width of the LLM's states.
        width: M; a multiple of 16.
    """

    kind = "mlp"

    def __init__(self, embedding: int, width: int) -> None:
        super().__init__()
        self._sizes = {"embedding": embedding, "width": width}
        self.d_linear1 = nn.Linear(embedding, width)
        self.d_linear1_norm = nn.LayerNorm(width)
        self.mlp_head = head(width)
        self.start()

    @classmethod
    def build(cls, entry: MlpEntry, widths: Mapping[str, int]) -> Self:
        return cls(widths[STATES], entry.width)

    @classmethod
    def released(cls, state: Mapping[str, Tensor]) -> Self:
        """The release's row without attention."""
        weights = own(state)
        width, embedding = weights["d_linear1.weight"].shape
        return loaded(cls(embedding, width), weights)

    @property
    def architecture(self) -> dict[str, int]:
        return dict(self._sizes)

    def forward(self, inputs: Mapping[str, Tensor], valid_BT: Tensor | None = None) -> Tensor:
        return self.scored(self.entered(inputs[STATES]), valid_BT)

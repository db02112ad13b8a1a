"""The trained part of LLMVS: self-attention over every frame of a video (section 3.3).

Shapes: B videos, T frames (padded to the longest video of the batch), D embedding width,
M width of the attention, L layers, H heads.

Layers and their names are those of the authors' release, so that its checkpoints fit.
"""

import re
from collections.abc import Mapping
from typing import Self

import torch
from torch import Tensor, nn

from stages.errors import UserError
from stages.scorers.encoder import encoded
from stages.scorers.head import STATES, Headed, head, loaded, own
from stages.scorers.scorer import alone
from stages.scorers.settings import GlobalAttentionEntry

HEADS = 2
"""Attention heads: the paper's number, which weights do not tell."""

_LAYER = re.compile(r"transformer_encoder_agg\.layers\.(\d+)\.")


class GlobalAttention(Headed):
    """Frame embeddings in, importance in 0..1 out, each frame seeing its whole video.

    x → Linear D to M → LayerNorm → Transformer encoder → head M, M/2, M/4, M/8, M/16, 1 →
    sigmoid. The encoder is post-norm with ReLU and has no positional encoding: shuffled frames
    get shuffled scores.

    Args:
        embedding: D, width of the LLM's states.
        width: M; a multiple of 16 and of `heads`. Paper: 2048.
        layers, heads: of the encoder. Paper: 3 and 2.
        feedforward: hidden width inside a layer. Release: 2048.
        dropout: within the encoder. Release: 0.1.
    """

    kind = "global-attention"
    version = 2

    def __init__(
        self,
        embedding: int,
        width: int,
        layers: int,
        heads: int,
        feedforward: int = 2048,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self._sizes: dict[str, int | float] = {
            "embedding": embedding,
            "width": width,
            "layers": layers,
            "heads": heads,
            "feedforward": feedforward,
            "dropout": dropout,
        }
        self.d_linear1 = nn.Linear(embedding, width)
        self.d_linear1_norm = nn.LayerNorm(width)
        layer = nn.TransformerEncoderLayer(width, heads, feedforward, dropout, batch_first=True)
        # Nested tensors would change the kernels, and with them the last digits, wherever a batch
        # happens to need padding.
        self.transformer_encoder_agg = nn.TransformerEncoder(
            layer, layers, enable_nested_tensor=False
        )
        self.mlp_head = head(width)
        self.start()

    @classmethod
    def build(cls, entry: GlobalAttentionEntry, widths: Mapping[str, int]) -> Self:
        return cls(
            widths[STATES],
            entry.width,
            entry.layers,
            entry.heads,
            entry.feedforward,
            entry.dropout,
        )

    @classmethod
    def released(cls, state: Mapping[str, Tensor], heads: int = HEADS) -> Self:
        """The release's model; D, M, F and the layers are read off its shapes.

        Args:
            state: as in `Scorer.released`.
            heads: of the attention, which the shapes leave open.
        """
        weights = own(state)
        width, embedding = weights["d_linear1.weight"].shape
        layers = {match[1] for name in weights if (match := _LAYER.match(name))}
        if width % heads:
            raise UserError(f"d_linear1 is {width} wide, no multiple of {heads} heads")
        if not layers:
            raise UserError("there are no encoder layers; a checkpoint without is of kind mlp")
        inner = weights.get("transformer_encoder_agg.layers.0.linear1.weight")
        feedforward = 2048 if inner is None else len(inner)
        return loaded(cls(embedding, width, len(layers), heads, feedforward), weights)

    @property
    def architecture(self) -> dict[str, int | float]:
        return dict(self._sizes)

    def forward(self, inputs: Mapping[str, Tensor], valid_BT: Tensor | None = None) -> Tensor:
        states_BTD = inputs[STATES]
        if states_BTD.device.type == "cpu":
            return self._end_to_end(states_BTD, valid_BT)
        padding_BT = None if valid_BT is None else ~valid_BT
        h_BTM = self.transformer_encoder_agg(
            self.entered(states_BTD), src_key_padding_mask=padding_BT
        )
        return self.scored(h_BTM, valid_BT)

    def _end_to_end(self, states_BTD: Tensor, valid_BT: Tensor | None) -> Tensor:
        """As `forward`, without its padding."""
        videos, frames = states_BTD.shape[:2]
        if valid_BT is None or bool(valid_BT.all()):
            lengths, states_ND = [frames] * videos, states_BTD.flatten(0, 1)
        else:
            lengths, states_ND = valid_BT.sum(1).tolist(), states_BTD[valid_BT]
        h_NM = encoded(self.transformer_encoder_agg, self.entered(states_ND), lengths)
        scores_N = self.scored(h_NM)
        if valid_BT is None or len(scores_N) == videos * frames:
            return scores_N.view(videos, frames)
        return scores_N.new_zeros(videos, frames).masked_scatter(valid_BT, scores_N)

    @torch.inference_mode()
    def attention(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """(L, H, T, T). The layers are run as they are, and each one's attention is asked for its
        weights beside.
        """
        found = []
        with self._evaluating():
            h_1TM = self.entered(alone(self.prepare(inputs))[STATES])
            for layer in self.transformer_encoder_agg.layers:
                _, weights_1HTT = layer.self_attn(
                    h_1TM, h_1TM, h_1TM, need_weights=True, average_attn_weights=False
                )
                found.append(weights_1HTT[0])
                h_1TM = layer(h_1TM)
        return torch.stack(found)

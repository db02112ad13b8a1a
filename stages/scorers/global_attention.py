"""The trained part of LLMVS: self-attention over every frame of a video (section 3.3).

Shapes: B videos, T frames (padded to the longest video of the batch), D embedding width,
M width of the attention.

Layers and their names are those of the authors' release, so that its checkpoints fit.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn


class GlobalAttention(nn.Module):
    """Frame embeddings in, importance in 0..1 out, each frame seeing its whole video.

    x → Linear D to M → LayerNorm → Transformer encoder → head M, M/2, M/4, M/8, M/16, 1 →
    sigmoid. The encoder is post-norm with ReLU and has no positional encoding: shuffled frames
    get shuffled scores. Without `attention` it is left out, and what remains sees one frame at
    a time (the paper's Table 2, MLP).

    Args:
        embedding: D, width of the LLM's states.
        width: M; a multiple of 16 and of `heads`. Paper: 2048.
        layers, heads: of the encoder. Paper: 3 and 2.
        feedforward: hidden width inside a layer. Release: 2048.
        dropout: within the encoder. Release: 0.1.
        attention: False leaves the encoder out.
    """

    def __init__(
        self,
        embedding: int,
        width: int,
        layers: int,
        heads: int,
        feedforward: int = 2048,
        dropout: float = 0.1,
        attention: bool = True,
    ) -> None:
        super().__init__()
        self.architecture: dict[str, int | float | bool] = {
            "embedding": embedding,
            "width": width,
            "layers": layers,
            "heads": heads,
            "feedforward": feedforward,
            "dropout": dropout,
            "attention": attention,
        }
        self.d_linear1 = nn.Linear(embedding, width)
        self.d_linear1_norm = nn.LayerNorm(width)
        self.transformer_encoder_agg: nn.TransformerEncoder | None = None
        if attention:
            layer = nn.TransformerEncoderLayer(width, heads, feedforward, dropout, batch_first=True)
            # Nested tensors would change the kernels, and with them the last digits, wherever
            # a batch happens to need padding.
            self.transformer_encoder_agg = nn.TransformerEncoder(
                layer, layers, enable_nested_tensor=False
            )
        # The release numbers these layers in this order.
        self.mlp_head = nn.Sequential(
            nn.Linear(width, width // 2),
            nn.LayerNorm(width // 2),
            nn.ReLU(),
            nn.Linear(width // 2, width // 4),
            nn.ReLU(),
            nn.Linear(width // 4, width // 8),
            nn.LayerNorm(width // 8),
            nn.ReLU(),
            nn.Linear(width // 8, width // 16),
            nn.ReLU(),
            nn.Linear(width // 16, 1),
            nn.Sigmoid(),
        )
        for parameter in self.parameters():
            if parameter.dim() > 1:
                nn.init.xavier_uniform_(parameter)

    def forward(self, x_BTD: Tensor, valid_BT: Tensor | None = None) -> Tensor:
        """Score every frame.

        Args:
            x_BTD: per frame, the elementwise maximum of query and answer embedding (both are
                maxima over tokens, so this is the maximum over all of them).
            valid_BT: True at real frames, False at padding; None where nothing is padded.

        Returns:
            (B, T) in 0..1, zero at padding.
        """
        h_BTM: Tensor = self.d_linear1_norm(self.d_linear1(x_BTD))
        if self.transformer_encoder_agg is not None:
            padding_BT = None if valid_BT is None else ~valid_BT
            h_BTM = self.transformer_encoder_agg(h_BTM, src_key_padding_mask=padding_BT)
        scores_BT: Tensor = self.mlp_head(h_BTM).squeeze(-1)
        return scores_BT if valid_BT is None else torch.where(valid_BT, scores_BT, 0.0)

    @property
    def kind(self) -> str:
        return "mlp" if self.transformer_encoder_agg is None else "global-attention"

    @torch.inference_mode()
    def attention(self, inputs: Mapping[str, Tensor]) -> Tensor | None:
        """What each frame gives each (L, H, T, T); None without attention. inputs: (T, D) each."""
        if self.transformer_encoder_agg is None:
            return None
        x_TD = torch.stack(list(inputs.values())).amax(0)
        h_1TM = self.d_linear1_norm(self.d_linear1(x_TD[None]))
        found = []
        for layer in self.transformer_encoder_agg.layers:
            _, weights_1HTT = layer.self_attn(
                h_1TM, h_1TM, h_1TM, need_weights=True, average_attn_weights=False
            )
            found.append(weights_1HTT[0])
            h_1TM = layer(h_1TM)
        return torch.stack(found)

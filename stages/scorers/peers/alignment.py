"""A2Summ's layer: frames and captions in one attention, a feed-forward for each.

Layers and their names are those of its authors' code. Shapes: T frames of one video, M width,
H heads, d width of a head, A = T + 1: a CLS token before the frames or captions, N = 2 A: the
frames', then the captions'.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import dropout, gelu, scaled_dot_product_attention

HEADS = 8


class _Attention(nn.Module):
    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.q, self.k, self.v, self.m = (nn.Linear(width, width) for _ in range(4))
        self.dropout = dropout

    def forward(self, x_NM: Tensor, sees_NN: Tensor) -> Tensor:
        """sees_NN: True where a row may look at a column."""
        q_HNd, k_HNd, v_HNd = (
            line(x_NM).unflatten(-1, (HEADS, -1)).transpose(0, 1)
            for line in (self.q, self.k, self.v)
        )
        rate = self.dropout if self.training else 0.0
        seen_HNd = scaled_dot_product_attention(
            q_HNd[None], k_HNd[None], v_HNd[None], attn_mask=sees_NN, dropout_p=rate
        )[0]
        return dropout(self.m(seen_HNd.transpose(0, 1).flatten(1)), rate)


class _Inner(nn.Module):
    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)
        self.drop = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.drop(self.fc2(self.drop(gelu(self.fc1(x)))))
        return found


class Layer(nn.Module):
    """Attention over both behind a LayerNorm, then a feed-forward of each one's own."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.norm1_fused = nn.LayerNorm(width)
        self.attn_fusion = _Attention(width, dropout)
        self.norm2_video = nn.LayerNorm(width)
        self.ffn_video = _Inner(width, dropout)
        self.norm2_text = nn.LayerNorm(width)
        self.ffn_text = _Inner(width, dropout)

    def forward(self, x_NM: Tensor, sees_NN: Tensor) -> Tensor:
        x_NM = x_NM + self.attn_fusion(self.norm1_fused(x_NM), sees_NN)
        video_AM, text_AM = x_NM.chunk(2)
        return torch.cat(
            [
                video_AM + self.ffn_video(self.norm2_video(video_AM)),
                text_AM + self.ffn_text(self.norm2_text(text_AM)),
            ]
        )


def sees(frames: int, where: torch.device) -> Tensor:
    """Who may look at whom, (N, N): frames and their CLS token at each other, captions and theirs
    likewise, and across only the two of one moment.
    """
    own_AA = torch.ones(frames + 1, frames + 1, dtype=torch.bool, device=where)
    across_AA = torch.eye(frames + 1, dtype=torch.bool, device=where)
    across_AA[0, 0] = False
    return torch.cat([torch.cat([own_AA, across_AA], dim=1), torch.cat([across_AA, own_AA], dim=1)])

"""What each frame looked at: the attention weights of a trained model.

Shapes: T frames, D embedding width, M width of the attention, L layers, H heads.
"""

import torch
from torch import Tensor

from stages.errors import UserError
from stages.scorers.global_attention import GlobalAttention


@torch.inference_mode()
def attention(model: GlobalAttention, x_TD: Tensor) -> Tensor:
    """Attention weights (L, H, T, T) of one video: [l, h, i, j] is what frame i gives frame j.

    The layers are run as they are, and each one's attention is asked for its weights beside. Rows
    sum to 1.

    Raises:
        UserError: the model is the row without attention.
    """
    encoder = model.transformer_encoder_agg
    if encoder is None:
        raise UserError("the model has no attention to look at")
    h_1TM = model.d_linear1_norm(model.d_linear1(x_TD[None]))
    found = []
    for layer in encoder.layers:
        _, weights_1HTT = layer.self_attn(
            h_1TM, h_1TM, h_1TM, need_weights=True, average_attn_weights=False
        )
        found.append(weights_1HTT[0])
        h_1TM = layer(h_1TM)
    return torch.stack(found)


def near(frames: int, reach: int) -> Tensor:
    """Which of T frames are within `reach` of which, (T, T)."""
    index_T = torch.arange(frames)
    return (index_T[:, None] - index_T).abs() <= reach


def local_share(weights_LHTT: Tensor, reach: int) -> Tensor:
    """The share of a frame's attention that stays within `reach` frames, mean over frames, (L, H).

    Uniform attention of T frames gives the mean over rows of `near` (see `uniform_share`).
    """
    close_TT = near(weights_LHTT.shape[-1], reach).to(weights_LHTT)
    return (weights_LHTT * close_TT).sum(-1).mean(-1)


def uniform_share(frames: int, reach: int) -> float:
    """What `local_share` would be if every frame looked at all alike."""
    return float(near(frames, reach).double().mean())

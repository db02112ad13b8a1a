"""A Transformer encoder on a CPU: what torch's computes, in two thirds of the time of a training.

Videos lie end to end instead of padded, attention stays within each without a mask and goes
through its frames in blocks that fit a core's cache, and dropout is drawn many elements at a time
(`dropout.Draws`). `llmvs bench train` sets it beside torch's own.

Shapes: N frames of all videos, T frames of one, b of a block, M width, d width of a head,
F width inside a layer.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

from stages.scorers.dropout import Draws

_BLOCK = 256
"""Frames that look at their video at a time: their weights stay in a core's second cache."""


def encoded(encoder: nn.TransformerEncoder, x_NM: Tensor, lengths: Sequence[int]) -> Tensor:
    """What an encoder makes of the frames of each video, (N, M).

    Args:
        encoder: of post-norm layers with ReLU, as torch builds them by default; in training mode
            with dropout.
        x_NM: the videos' frames, one video after the other.
        lengths: frames of each video.

    Raises:
        ValueError: in training, not every dropout within it has the same probability.
    """
    rate = _dropout(encoder) if encoder.training else 0.0
    draws = Draws(rate) if rate else None
    for layer in encoder.layers:
        x_NM = _layer(layer, x_NM, lengths, draws)
    return x_NM


def _dropout(encoder: nn.TransformerEncoder) -> float:
    """The one probability of all dropouts, which draw from one stream of bits."""
    rates = {part.p for part in encoder.modules() if isinstance(part, nn.Dropout)}
    rates |= {layer.self_attn.dropout for layer in encoder.layers}
    if len(rates) > 1:
        raise ValueError(f"an encoder's dropouts must be alike here, and are {sorted(rates)}")
    return float(rates.pop())


def _layer(
    layer: nn.TransformerEncoderLayer, x_NM: Tensor, lengths: Sequence[int], draws: Draws | None
) -> Tensor:
    attention = layer.self_attn
    asked_N3M = functional.linear(x_NM, attention.in_proj_weight, attention.in_proj_bias)
    attend: Callable[..., Tensor] = _Attention.apply
    if len(lengths) == 1:
        seen_NM = attend(asked_N3M, attention.num_heads, draws)
    else:
        parts = torch.split(asked_N3M, list(lengths))
        seen_NM = torch.cat([attend(x_T3M, attention.num_heads, draws) for x_T3M in parts])
    x_NM = layer.norm1(_added(x_NM, attention.out_proj(seen_NM), draws))
    inner_NF = layer.linear1(x_NM).relu()
    if draws is not None:
        inner_NF = inner_NF * draws.kept(inner_NF).mul_(draws.scale)
    found: Tensor = layer.norm2(_added(x_NM, layer.linear2(inner_NF), draws))
    return found


def _added(x_NM: Tensor, change_NM: Tensor, draws: Draws | None) -> Tensor:
    if draws is None:
        return x_NM + change_NM
    return torch.addcmul(x_NM, change_NM, draws.kept(x_NM), value=draws.scale)


class _Attention(torch.autograd.Function):
    """Attention of one video's frames to each other, dropout on its weights.

    The gradient of a softmax w of scores is w (g - Σ w g), g being that of w; where w was used
    through a dropout as u, Σ u g is the product of what came out with its own gradient.
    """

    @staticmethod
    def forward(ctx: Any, x_T3M: Tensor, heads: int, draws: Draws | None) -> Tensor:
        seen_TM = x_T3M.new_empty(len(x_T3M), x_T3M.shape[1] // 3)
        grown = 1.0 if draws is None else draws.scale
        blocks = []
        for (q_Td, k_Td, v_Td), (seen_Td,) in zip(
            _heads(x_T3M, heads, 3), _heads(seen_TM, heads, 1), strict=True
        ):
            q_Td, v_Td = q_Td * q_Td.shape[1] ** -0.5, v_Td * grown
            for some in _some(len(q_Td)):
                scores_bT = torch.mm(q_Td[some], k_Td.T)
                weights_bT = torch.softmax(scores_bT, dim=-1, out=scores_bT)
                used_bT = weights_bT
                if draws is not None:
                    used_bT = draws.kept(weights_bT).mul_(weights_bT)
                torch.mm(used_bT, v_Td, out=seen_Td[some])
                if ctx.needs_input_grad[0]:
                    blocks += [weights_bT, used_bT]
        ctx.save_for_backward(x_T3M, seen_TM, *blocks)
        ctx.heads, ctx.grown = heads, grown
        return seen_TM

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, to_seen_TM: Tensor) -> tuple[Tensor, None, None]:
        x_T3M, seen_TM, *saved = ctx.saved_tensors
        blocks = iter(saved)
        to_x_T3M = torch.zeros_like(x_T3M)
        for (q_Td, k_Td, v_Td), (to_q_Td, to_k_Td, to_v_Td), (seen_Td,), (to_seen_Td,) in zip(
            _heads(x_T3M, ctx.heads, 3),
            _heads(to_x_T3M, ctx.heads, 3),
            _heads(seen_TM, ctx.heads, 1),
            _heads(to_seen_TM, ctx.heads, 1),
            strict=True,
        ):
            scale = q_Td.shape[1] ** -0.5
            q_Td, v_Td = q_Td * scale, v_Td * ctx.grown
            sum_T1 = (to_seen_Td * seen_Td).sum(1, keepdim=True)
            for some in _some(len(q_Td)):
                weights_bT, used_bT = next(blocks), next(blocks)
                to_v_Td.addmm_(used_bT.T, to_seen_Td[some])
                to_scores_bT = (to_seen_Td[some] @ v_Td.T).mul_(used_bT)
                to_scores_bT.addcmul_(weights_bT, sum_T1[some], value=-1)
                torch.mm(to_scores_bT, k_Td, out=to_q_Td[some])
                to_k_Td.addmm_(to_scores_bT.T, q_Td[some])
            to_q_Td *= scale
            to_v_Td *= ctx.grown
        return to_x_T3M, None, None


def _heads(x_TC: Tensor, heads: int, parts: int) -> Iterator[tuple[Tensor, ...]]:
    """Each head's views (T, d) of what lies side by side: all heads' queries, keys, values."""
    each = x_TC.view(len(x_TC), parts, heads, -1)
    return (tuple(each[:, part, head] for part in range(parts)) for head in range(heads))


def _some(frames: int) -> list[slice]:
    """All frames, in blocks about alike."""
    count = -(-frames // _BLOCK)
    ends = [frames * number // count for number in range(count + 1)]
    return [slice(start, end) for start, end in pairwise(ends)]

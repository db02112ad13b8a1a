"""Softmax attention over one set of keys, with what it takes to merge it with another's.

Shapes: B rows, L queries of a row, S keys, H query heads, K key-value heads (a divisor of H), E
width of a head, G queries of all heads that read one key-value head.
"""

import torch
from torch import Tensor

SCORES = 2**25
"""Scores written out at a time where no fused kernel is: 128 MiB of float32."""

Part = tuple[Tensor, Tensor]
"""Attention over a set of keys: the output (B, H, L, E) in the queries' dtype, and the
log-sum-exp of the scores (B, H, L) float32."""


def attention(
    q_BHLE: Tensor,
    k_BKSE: Tensor,
    v_BKSE: Tensor,
    scale: float,
    causal: bool = False,
    seen: Tensor | None = None,
) -> Part:
    """Softmax attention and the log-sum-exp of its scores.

    Scores, weights and their sums are float32 whatever the dtype of the queries. Off the CPU, or
    with `seen`, they are written out for so many queries at a time that no more than `SCORES`
    exist (or those of one query a row); beside them float32 copies of keys and values.

    Args:
        q_BHLE, k_BKSE, v_BKSE: queries, keys, values; query head h reads key head h // (H / K).
        scale: factor on the scores.
        causal: query i sees keys 0..i (L = S).
        seen: booleans that broadcast to (B, H, L, S), False where a key is hidden. A query may
            see nothing: its output is 0 and its log-sum-exp -inf.
    """
    if q_BHLE.device.type == "cpu" and seen is None:
        # The fused kernel behind torch's own attention on CPU; the public function drops the
        # log-sum-exp. It reads grouped heads as they are.
        out_BHLE, lse_BHL = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(
            q_BHLE, k_BKSE, v_BKSE, 0.0, causal, scale=scale
        )
        return out_BHLE, lse_BHL
    B, H, L, _ = q_BHLE.shape
    S = k_BKSE.shape[2]
    k_BKSE, v_BKSE = k_BKSE.float(), v_BKSE.float()
    if causal:
        past = torch.ones(L, S, dtype=torch.bool, device=q_BHLE.device).tril_()
        seen = past if seen is None else seen & past
    at_once = max(1, SCORES // (B * H * S))
    parts = []
    for start in range(0, L, at_once):
        some = slice(start, start + at_once)
        of_some = seen if seen is None or seen.shape[-2] == 1 else seen[..., some, :]
        parts.append(_written_out(q_BHLE[:, :, some], k_BKSE, v_BKSE, scale, of_some))
    if len(parts) == 1:
        return parts[0]
    out, lse = (torch.cat(part, dim=2) for part in zip(*parts, strict=True))
    return out, lse


def _written_out(
    q_BHLE: Tensor, k_BKSE: Tensor, v_BKSE: Tensor, scale: float, seen: Tensor | None
) -> Part:
    """`attention` of all these queries at once, to keys and values in float32."""
    B, H, L, E = q_BHLE.shape
    K, S = k_BKSE.shape[1:3]
    # A group's heads are more queries of its one key head, so keys are not copied for each.
    q_BKGE = q_BHLE.float().reshape(B, K, H // K * L, E)
    scores = (q_BKGE @ k_BKSE.transpose(-1, -2)).mul_(scale).view(B, H, L, S)
    if seen is not None:
        scores.masked_fill_(~seen, -torch.inf)
    top = scores.amax(-1, keepdim=True).clamp_min_(torch.finfo(torch.float32).min)
    weights = scores.sub_(top).exp_()
    total = weights.sum(-1, keepdim=True)
    lse_BHL = total.log().add_(top)[..., 0]
    weights.div_(total.clamp_min_(torch.finfo(torch.float32).tiny))
    out_BKGE = weights.view(B, K, H // K * L, S) @ v_BKSE
    return out_BKGE.view(B, H, L, E).to(q_BHLE.dtype), lse_BHL


def merge(first: Part, second: Part) -> Tensor:
    """Attention over the union of two disjoint key sets from the attention over each.

    Computed in float32 whatever the parts' dtype.

    Args:
        first, second: not both with a log-sum-exp of -inf.

    Returns:
        (B, H, L, E).
    """
    (out1, lse1), (out2, lse2) = first, second
    share = torch.sigmoid(lse1 - lse2).unsqueeze(-1)
    return torch.lerp(out2.float(), out1.float(), share).to(out1.dtype)

"""What `torch.nn.attention.varlen.varlen_attn` computes, one sequence and one head at a time.

Its checks are the kernel's own, so that what passes here is not refused there.
"""

import math

import torch


def varlen_attn(
    query,
    key,
    value,
    cu_seq_q,
    cu_seq_k,
    max_q,
    max_k,
    *,
    return_aux=None,
    scale=None,
    window_size=(-1, -1),
    enable_gqa=False,
    seqused_k=None,
    block_table=None,
    num_splits=None,
):
    """Outputs (N, H, E) rounded once, from sums in float64, and log-sum-exps (H, N) float32."""
    N, H, E = query.shape
    S, K, _ = key.shape
    assert query.dtype == key.dtype == value.dtype
    assert key.shape == value.shape == (S, K, E)
    assert enable_gqa or H == K
    assert H % K == 0
    assert E % 8 == 0
    assert E <= 256
    assert all(x.stride(-1) == 1 for x in (query, key, value))
    lengths = [x for x in (cu_seq_q, cu_seq_k, seqused_k) if x is not None]
    assert all(x.dtype == torch.int32 and x.is_contiguous() for x in lengths)
    starts_q, starts_k = cu_seq_q.tolist(), cu_seq_k.tolist()
    assert len(starts_q) == len(starts_k)
    assert (starts_q[-1], starts_k[-1]) == (N, S)
    left, right = window_size
    out = torch.zeros(N, H, E, dtype=torch.float64)
    lse = torch.full((H, N), torch.inf)
    for b in range(len(starts_q) - 1):
        queries, first = starts_q[b + 1] - starts_q[b], starts_k[b]
        keys = starts_k[b + 1] - first
        assert queries <= max_q
        assert keys <= max_k
        if seqused_k is not None:
            keys = int(seqused_k[b])
        # The last query stands at the last key, whatever came before the first.
        at_Q1 = torch.arange(keys - queries, keys)[:, None]
        seen_QS = torch.ones(queries, keys, dtype=torch.bool)
        if left >= 0:
            seen_QS &= torch.arange(keys) >= at_Q1 - left
        if right >= 0:
            seen_QS &= torch.arange(keys) <= at_Q1 + right
        asking, asked = slice(starts_q[b], starts_q[b] + queries), slice(first, first + keys)
        for h in range(H):
            k, v = key[asked, h * K // H].double(), value[asked, h * K // H].double()
            scores = query[asking, h].double() @ k.T * (scale or 1 / math.sqrt(E))
            scores = scores.masked_fill(~seen_QS, -torch.inf)
            blind = ~seen_QS.any(1)
            out[asking, h] = scores.softmax(1).masked_fill(blind[:, None], 0) @ v
            lse[h, asking] = scores.logsumexp(1).masked_fill(blind, torch.inf).float()
    return out.to(query.dtype), lse

"""Attention a row at a time: the path of CPUs, and of whatever the varlen kernel is not for.

Shapes: see `stages.llm.attention`.
"""

import torch
from torch import Tensor

from stages.llm.attention import Fed, Heads, OwnTokens
from stages.llm.softmax import Part, attention


class RowByRow:
    """Calls of `attention`; own tokens are kept as (B, K, C, E)."""

    def row(self, heads: Heads) -> Part:
        length = heads.q_1HNE.shape[2]
        seen = None
        if heads.window is not None and length > heads.window:
            index = torch.arange(length, device=heads.q_1HNE.device)
            seen = index[:, None] - index < heads.window
        q, k, v = heads.q_1HNE, heads.k_1KNE, heads.v_1KNE
        return attention(q, k, v, heads.scale, causal=True, seen=seen)

    def prompt(self, layer: int, heads: Heads, own: OwnTokens, fed: Fed) -> Part:
        _, K, _, E = heads.k_1KNE.shape
        # Zeros, not whatever was there: what is masked must still be finite.
        keys = heads.k_1KNE.new_zeros(len(own.lengths), K, own.room, E)
        values = torch.zeros_like(keys)
        parts, start = [], 0
        for row, length in enumerate(own.lengths):
            of_row = heads.span(start, start + length)
            parts.append(self.row(of_row))
            keys[row, :, :length] = of_row.k_1KNE[0]
            values[row, :, :length] = of_row.v_1KNE[0]
            start += length
        own.keys[layer], own.values[layer] = keys, values
        out, lse = (torch.cat(part, dim=2) for part in zip(*parts, strict=True))
        return out, lse

    def step(self, layer: int, heads: Heads, own: OwnTokens, fed: Fed) -> Part:
        device = heads.q_1HNE.device
        at = fed.on(device)
        keys, values = own.keys[layer], own.values[layer]
        keys[at.row_N, :, at.ahead_N] = heads.k_1KNE[0].transpose(0, 1)
        values[at.row_N, :, at.ahead_N] = heads.v_1KNE[0].transpose(0, 1)
        back_BC = at.ahead_N[:, None] - torch.arange(own.room, device=device)
        seen_BC = back_BC >= 0
        if heads.window is not None:
            seen_BC &= back_BC < heads.window
        q_BH1E = heads.q_1HNE.permute(2, 1, 0, 3)
        out, lse = attention(q_BH1E, keys, values, heads.scale, seen=seen_BC[:, None, None])
        return out.permute(2, 1, 0, 3), lse.permute(2, 1, 0)

    def prefix(self, heads: Heads, k_1KPE: Tensor, v_1KPE: Tensor, seen: Tensor | None) -> Part:
        return attention(heads.q_1HNE, k_1KPE, v_1KPE, heads.scale, seen=seen)

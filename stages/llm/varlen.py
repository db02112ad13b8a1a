"""Attention of all rows in one call of torch's kernel for sequences of different lengths.

The kernel (FlashAttention-2 behind `torch.nn.attention.varlen`) takes float16 and bfloat16 on
CUDA devices from compute capability 8.0 on, and keeps scores, weights and their sums in float32
registers: they never exist in memory. A layer's prompts take two calls, its steps two.

Shapes: see `stages.llm.attention`; S keys of all rows.
"""

from functools import partial
from typing import Any, Protocol

import torch
from torch import Tensor

from stages.llm.attention import Fed, Heads, OwnTokens
from stages.llm.softmax import Part, attention


class Kernel(Protocol):
    """`torch.nn.attention.varlen.varlen_attn`, asked for the log-sum-exp as well.

    Sequence b's queries are cu_seq_q[b]..cu_seq_q[b+1] of the packed ones, its keys those from
    cu_seq_k[b] on, `seqused_k[b]` of them where given. Its last query sees its last key, and so
    does each before, `window_size` (left, right) keys around it; -1: all there are.

    Returns (N, H, E) in the queries' dtype, and (H, N) float32: torch documents the transpose of
    what its kernel gives.
    """

    def __call__(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        cu_seq_q: Tensor,
        cu_seq_k: Tensor,
        max_q: int,
        max_k: int,
        *,
        scale: float,
        window_size: tuple[int, int],
        enable_gqa: bool,
        seqused_k: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]: ...


def torch_kernel() -> Kernel | None:
    """torch's own. None where this torch has none."""
    try:
        from torch.nn.attention.varlen import AuxRequest, varlen_attn
    except ImportError:
        return None
    function: Any = varlen_attn
    return partial(function, return_aux=AuxRequest(lse=True))


class Varlen:
    """The path of one kernel; own tokens are kept as (B, C, K, E)."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel

    def row(self, heads: Heads) -> Part:
        length = heads.q_1HNE.shape[2]
        ends = _whole(length, heads)
        k, v = _packed(heads.k_1KNE), _packed(heads.v_1KNE)
        return self._call(heads, k, v, ends, ends, length, length, _back(heads))

    def prompt(self, layer: int, heads: Heads, own: OwnTokens, fed: Fed) -> Part:
        at = fed.on(heads.q_1HNE.device)
        k, v = _packed(heads.k_1KNE), _packed(heads.v_1KNE)
        for cache, x_NKE in ((own.keys, k), (own.values, v)):
            cache[layer] = x_NKE.new_zeros(len(own.lengths), own.room, *x_NKE.shape[1:])
            cache[layer][at.row_N, at.ahead_N] = x_NKE
        ends, longest = at.ends_B1, fed.longest
        return self._call(heads, k, v, ends, ends, longest, longest, _back(heads))

    def step(self, layer: int, heads: Heads, own: OwnTokens, fed: Fed) -> Part:
        at = fed.on(heads.q_1HNE.device)
        keys, values = own.keys[layer], own.values[layer]
        keys[at.row_N, at.ahead_N] = _packed(heads.k_1KNE)
        values[at.row_N, at.ahead_N] = _packed(heads.v_1KNE)
        k, v = keys.flatten(0, 1), values.flatten(0, 1)
        ends, rooms, window = at.ends_B1, at.rooms_B1, _back(heads)
        return self._call(heads, k, v, ends, rooms, 1, own.room, window, at.used_B)

    def prefix(self, heads: Heads, k_1KPE: Tensor, v_1KPE: Tensor, seen: Tensor | None) -> Part:
        if seen is not None:
            # The kernel's windows count from the end of the keys; how far that is from a query
            # differs between rows.
            return attention(heads.q_1HNE, k_1KPE, v_1KPE, heads.scale, seen=seen)
        queries, length = heads.q_1HNE.shape[2], k_1KPE.shape[2]
        ends, stretch = _whole(queries, heads), _whole(length, heads)
        k, v = _packed(k_1KPE), _packed(v_1KPE)
        return self._call(heads, k, v, ends, stretch, queries, length, (-1, -1))

    def _call(
        self,
        heads: Heads,
        k_SKE: Tensor,
        v_SKE: Tensor,
        queries: Tensor,
        keys: Tensor,
        most_queries: int,
        most_keys: int,
        window: tuple[int, int],
        used: Tensor | None = None,
    ) -> Part:
        out_NHE, lse_HN = self.kernel(
            _packed(heads.q_1HNE),
            k_SKE,
            v_SKE,
            queries,
            keys,
            most_queries,
            most_keys,
            scale=heads.scale,
            window_size=window,
            enable_gqa=heads.q_1HNE.shape[1] != k_SKE.shape[1],
            seqused_k=used,
        )
        return out_NHE.transpose(0, 1)[None], lse_HN[None]


def _packed(x_1HNE: Tensor) -> Tensor:
    """(N, H, E), a view."""
    return x_1HNE[0].transpose(0, 1)


def _whole(length: int, heads: Heads) -> Tensor:
    """Where a single sequence begins and ends, made on the device: a copy would wait for it."""
    device = heads.q_1HNE.device
    return torch.arange(0, 2 * length, length, dtype=torch.int32, device=device)


def _back(heads: Heads) -> tuple[int, int]:
    """The kernel's window of a causal query: so many keys before its own, none after."""
    return (-1 if heads.window is None else heads.window - 1), 0

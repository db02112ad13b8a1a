"""Attention to a prefix that every row shares, without a copy of it for any row.

A row's keys are the shared prefix followed by its own tokens. Softmax attention over a union of
key sets is the mean of the attentions over each set, weighted by the exponential of their
log-sum-exp of scores; so the two parts are attended to apart and merged, and the prefix stays
one tensor whatever the number of rows. Rows are packed end to end into a single sequence, so the
model's linear layers never see padding; only the functions here know where a row ends.

Shapes: N packed tokens of all rows, B rows, L own tokens of a row, C room for a row's own
tokens, P prefix tokens, S keys, H query heads, K key-value heads (a divisor of H), E width of a
head, G queries of all heads that read one key-value head.
"""

import math
from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from transformers import AttentionInterface

NAME = "llmvs_shared_prefix"
"""What the function below is called in transformers' registry of attention functions."""


class Pass(Protocol):
    """One run of packed tokens through all layers: what each layer's attention does with them."""

    def attend(self, layer: int, heads: "Heads") -> Tensor: ...


class Heads:
    """The projections of one layer's packed tokens.

    q_1HNE, k_1KNE, v_1KNE; `scale` multiplies scores; a token sees the `window` tokens up to and
    including itself (None: all of them).
    """

    def __init__(
        self, q_1HNE: Tensor, k_1KNE: Tensor, v_1KNE: Tensor, scale: float, window: int | None
    ) -> None:
        self.q_1HNE, self.k_1KNE, self.v_1KNE = q_1HNE, k_1KNE, v_1KNE
        self.scale, self.window = scale, window


def attention(
    q_BHLE: Tensor,
    k_BKSE: Tensor,
    v_BKSE: Tensor,
    scale: float,
    causal: bool = False,
    seen: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Softmax attention and the log-sum-exp of its scores.

    Args:
        q_BHLE, k_BKSE, v_BKSE: queries, keys, values; query head h reads key head h // (H / K).
        scale: factor on the scores.
        causal: query i sees keys 0..i (L = S).
        seen: booleans that broadcast to (B, H, L, S), False where a key is hidden. A query may
            see nothing: its output is 0 and its log-sum-exp -inf.

    Returns:
        (B, H, L, E) in the queries' dtype, and (B, H, L) float32.
    """
    if q_BHLE.device.type == "cpu" and seen is None:
        # The fused kernel behind torch's own attention on CPU; the public function drops the
        # log-sum-exp. It reads grouped heads as they are.
        out_BHLE, lse_BHL = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(
            q_BHLE, k_BKSE, v_BKSE, 0.0, causal, scale=scale
        )
        return out_BHLE, lse_BHL
    B, H, L, E = q_BHLE.shape
    K, S = k_BKSE.shape[1:3]
    # A group's heads are more queries of its one key head, so keys are not copied for each.
    # Scaled first, lest a product overflow in float16: by a power of two, which rounds nothing.
    first = 2.0 ** math.floor(math.log2(scale))
    q_BKGE = q_BHLE.mul(first).reshape(B, K, H // K * L, E)
    scores = (q_BKGE @ k_BKSE.transpose(-1, -2)).float().mul_(scale / first).view(B, H, L, S)
    if causal:
        hidden = torch.ones(L, S, dtype=torch.bool, device=scores.device).triu_(1)
        scores.masked_fill_(hidden, -torch.inf)
    if seen is not None:
        scores.masked_fill_(~seen, -torch.inf)
    top = scores.amax(-1, keepdim=True).clamp_min_(torch.finfo(torch.float32).min)
    weights = scores.sub_(top).exp_()
    total = weights.sum(-1, keepdim=True)
    lse_BHL = total.log().add_(top)[..., 0]
    weights.div_(total.clamp_min_(torch.finfo(torch.float32).tiny))
    out_BKGE = weights.to(v_BKSE.dtype).view(B, K, H // K * L, S) @ v_BKSE
    return out_BKGE.view(B, H, L, E), lse_BHL


def merge(first: tuple[Tensor, Tensor], second: tuple[Tensor, Tensor]) -> Tensor:
    """Attention over the union of two disjoint key sets from the attention over each.

    Args:
        first, second: (output (B, H, L, E), log-sum-exp (B, H, L)); not both -inf.

    Returns:
        (B, H, L, E).
    """
    (out1, lse1), (out2, lse2) = first, second
    share = torch.sigmoid(lse1 - lse2).unsqueeze(-1).to(out1.dtype)
    return torch.lerp(out2, out1, share)


class SharedPrefix:
    """Keys and values of the shared prefix: one (1, K, P, E) pair a layer, held once.

    Running the prefix's tokens through the model with this as the pass fills it.
    """

    def __init__(self, length: int) -> None:
        self.length = length
        self.keys: dict[int, Tensor] = {}
        self.values: dict[int, Tensor] = {}

    def attend(self, layer: int, heads: Heads) -> Tensor:
        self.keys[layer] = heads.k_1KNE.contiguous()
        self.values[layer] = heads.v_1KNE.contiguous()
        return _own(heads, 0, self.length)[0]

    def joined(
        self, layer: int, heads: Heads, own: tuple[Tensor, Tensor], ahead: Tensor, reach: int
    ) -> Tensor:
        """What the packed queries find in the prefix, merged with what they found in their rows.

        Args:
            own: outputs and log-sum-exp of attention within the rows.
            ahead: (N,) own tokens of its row before each query; on any device.
            reach: the largest of them.
        """
        if not self.length:
            return own[0]
        seen = None
        if heads.window is not None and self.length + reach >= heads.window:
            device = heads.q_1HNE.device
            position_N1 = self.length + ahead.to(device)[:, None]
            seen = position_N1 - torch.arange(self.length, device=device) < heads.window
        keys, values = self.keys[layer], self.values[layer]
        return merge(attention(heads.q_1HNE, keys, values, heads.scale, seen=seen), own)


def _own(heads: Heads, start: int, stop: int) -> tuple[Tensor, Tensor]:
    """Causal attention among the packed tokens start..stop, one whole row."""
    span = slice(start, stop)
    seen = None
    if heads.window is not None and stop - start > heads.window:
        index = torch.arange(stop - start, device=heads.q_1HNE.device)
        seen = index[:, None] - index < heads.window
    q, k, v = (x[:, :, span] for x in (heads.q_1HNE, heads.k_1KNE, heads.v_1KNE))
    return attention(q, k, v, heads.scale, causal=True, seen=seen)


class OwnTokens:
    """Keys and values of each row's own tokens, (B, K, C, E) a layer, and how many it has."""

    def __init__(self, lengths: Sequence[int], room: int) -> None:
        self.lengths = list(lengths)
        self.room = room
        self.keys: dict[int, Tensor] = {}
        self.values: dict[int, Tensor] = {}

    def keep(self, rows: Sequence[int]) -> None:
        """Drop every row but these."""
        self.lengths = [self.lengths[row] for row in rows]
        for cache in (self.keys, self.values):
            for layer, x_BKCE in cache.items():
                cache[layer] = x_BKCE[torch.tensor(rows, device=x_BKCE.device)]


class PromptPass:
    """Whole rows at once: each attends to the prefix and, causally, to itself."""

    def __init__(self, prefix: SharedPrefix, own: OwnTokens) -> None:
        self.prefix, self.own = prefix, own
        self.ahead = torch.cat([torch.arange(length) for length in own.lengths])

    def attend(self, layer: int, heads: Heads) -> Tensor:
        lengths, room = self.own.lengths, self.own.room
        _, K, _, E = heads.k_1KNE.shape
        # Zeros, not whatever was there: what is masked must still be finite.
        keys = heads.k_1KNE.new_zeros(len(lengths), K, room, E)
        values = torch.zeros_like(keys)
        parts, start = [], 0
        for row, length in enumerate(lengths):
            stop = start + length
            parts.append(_own(heads, start, stop))
            keys[row, :, :length] = heads.k_1KNE[0, :, start:stop]
            values[row, :, :length] = heads.v_1KNE[0, :, start:stop]
            start = stop
        self.own.keys[layer], self.own.values[layer] = keys, values
        out, lse = (torch.cat(part, dim=2) for part in zip(*parts, strict=True))
        return self.prefix.joined(layer, heads, (out, lse), self.ahead, max(lengths) - 1)


class StepPass:
    """One more token a row: it attends to the prefix, the row's tokens so far, and itself."""

    def __init__(self, prefix: SharedPrefix, own: OwnTokens) -> None:
        self.prefix, self.own = prefix, own
        self.ahead = torch.tensor(own.lengths)
        own.lengths = [length + 1 for length in own.lengths]

    def attend(self, layer: int, heads: Heads) -> Tensor:
        device = heads.q_1HNE.device
        keys, values = self.own.keys[layer], self.own.values[layer]
        ahead = self.ahead.to(device)
        rows = torch.arange(len(ahead), device=device)
        keys[rows, :, ahead] = heads.k_1KNE[0].transpose(0, 1)
        values[rows, :, ahead] = heads.v_1KNE[0].transpose(0, 1)
        back_BC = ahead[:, None] - torch.arange(self.own.room, device=device)
        seen_BC = back_BC >= 0
        if heads.window is not None:
            seen_BC &= back_BC < heads.window
        q_BH1E = heads.q_1HNE.permute(2, 1, 0, 3)
        out, lse = attention(q_BH1E, keys, values, heads.scale, seen=seen_BC[:, None, None])
        own = out.permute(2, 1, 0, 3), lse.permute(2, 1, 0)
        return self.prefix.joined(layer, heads, own, self.ahead, max(self.own.lengths) - 1)


def _attention_function(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    sliding_window: int | None = None,
    *,
    tokens: Pass,
    **_: Any,
) -> tuple[Tensor, None]:
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    # Positions may have been turned in float32, where what the layers hand on is float32.
    query, key = query.to(value.dtype), key.to(value.dtype)
    heads = Heads(query, key, value, scale, sliding_window)
    layer = module.layer_idx
    assert isinstance(layer, int)
    return tokens.attend(layer, heads).transpose(1, 2), None


AttentionInterface.register(NAME, _attention_function)

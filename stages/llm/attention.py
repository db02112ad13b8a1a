"""Attention to a prefix that every row shares, without a copy of it for any row.

A row's keys are the shared prefix followed by its own tokens. Softmax attention over a union of
key sets is the mean of the attentions over each set, weighted by the exponential of their
log-sum-exp of scores; so the two parts are attended to apart and merged, and the prefix stays
one tensor whatever the number of rows. Rows are packed end to end into a single sequence, so the
model's linear layers never see padding; only the functions here know where a row ends.

How one part is computed is a path: a row at a time (`stages.llm.rowwise`), or all rows in one
call of a kernel (`stages.llm.varlen`).

Shapes: N packed tokens of all rows, B rows, C room for a row's own tokens, P prefix tokens, H
query heads, K key-value heads (a divisor of H), E width of a head.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn
from transformers import AttentionInterface

from stages.errors import UserError
from stages.llm.softmax import Part, merge

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

    def span(self, start: int, stop: int) -> "Heads":
        """Those of the packed tokens start..stop."""
        q, k, v = (x[:, :, start:stop] for x in (self.q_1HNE, self.k_1KNE, self.v_1KNE))
        return Heads(q, k, v, self.scale, self.window)


class OwnTokens:
    """Keys and values of each row's own tokens, and how many it has.

    One tensor of each a layer, rows first; what follows is the business of the path they are
    filled by.
    """

    def __init__(self, lengths: Sequence[int], room: int) -> None:
        self.lengths = list(lengths)
        self.room = room
        self.keys: dict[int, Tensor] = {}
        self.values: dict[int, Tensor] = {}

    def keep(self, rows: Sequence[int]) -> None:
        """Drop every row but these."""
        self.lengths = [self.lengths[row] for row in rows]
        for cache in (self.keys, self.values):
            for layer, x_B in cache.items():
                cache[layer] = x_B[torch.tensor(rows, device=x_B.device)]


class Places(NamedTuple):
    """Where packed tokens belong, as tensors of one device.

    row_N, ahead_N int64: each one's row, and the row's own tokens before it. The rest int32, as
    kernels take them: ends_B1, where rows begin and end among the packed tokens; rooms_B1, where
    they do in B rooms laid end to end; used_B, the tokens each row then has.
    """

    row_N: Tensor
    ahead_N: Tensor
    ends_B1: Tensor
    rooms_B1: Tensor
    used_B: Tensor


class Fed:
    """The packed tokens of a pass: `counts[b]` more of row b, which had `before[b]`."""

    def __init__(self, before: Sequence[int], counts: Sequence[int], room: int) -> None:
        before_B, counts_B = torch.tensor(before), torch.tensor(counts)
        spans = zip(before, counts, strict=True)
        ends_B1 = torch.cat([torch.zeros(1, dtype=torch.int64), counts_B.cumsum(0)])
        self.longest = max(counts)
        self.reach = max(map(sum, zip(before, counts, strict=True))) - 1
        """The most own tokens that any of these has before it."""
        self._host = Places(
            torch.repeat_interleave(counts_B),
            torch.cat([torch.arange(start, start + count) for start, count in spans]),
            ends_B1.int(),
            torch.arange(len(before) + 1, dtype=torch.int32) * room,
            (before_B + counts_B).int(),
        )
        self._on: dict[torch.device, Places] = {self._host.row_N.device: self._host}

    def on(self, device: torch.device) -> Places:
        """Copied to a device once a pass, not once a layer."""
        if device not in self._on:
            self._on[device] = Places(*(tensor.to(device) for tensor in self._host))
        return self._on[device]


class Path(Protocol):
    """A way to compute the parts, and the layout of what `OwnTokens` holds."""

    def row(self, heads: Heads) -> Part:
        """Causal attention among packed tokens that are all of one row."""

    def prompt(self, layer: int, heads: Heads, own: OwnTokens, fed: Fed) -> Part:
        """Causal attention within whole rows; keeps their keys and values."""

    def step(self, layer: int, heads: Heads, own: OwnTokens, fed: Fed) -> Part:
        """Attention of one more token a row to itself and those kept; keeps its own."""

    def prefix(self, heads: Heads, k_1KPE: Tensor, v_1KPE: Tensor, seen: Tensor | None) -> Part:
        """Attention to the prefix, of which a query sees what `seen` (N, P) says (None: all)."""


class SharedPrefix:
    """Keys and values of the shared prefix: one (1, K, P, E) pair a layer, held once.

    Running the prefix's tokens through the model with this as the pass fills it.
    """

    def __init__(self, length: int, path: Path) -> None:
        self.length = length
        self.path = path
        self.keys: dict[int, Tensor] = {}
        self.values: dict[int, Tensor] = {}

    def attend(self, layer: int, heads: Heads) -> Tensor:
        self.keys[layer] = heads.k_1KNE.contiguous()
        self.values[layer] = heads.v_1KNE.contiguous()
        return self.path.row(heads)[0]

    def joined(self, layer: int, heads: Heads, own: Part, fed: Fed) -> Tensor:
        """What the packed queries find in the prefix, merged with what they found in their rows."""
        if not self.length:
            return own[0]
        seen = None
        if heads.window is not None and self.length + fed.reach >= heads.window:
            device = heads.q_1HNE.device
            position_N1 = self.length + fed.on(device).ahead_N[:, None]
            seen = position_N1 - torch.arange(self.length, device=device) < heads.window
        return merge(self.path.prefix(heads, self.keys[layer], self.values[layer], seen), own)


class PromptPass:
    """Whole rows at once: each attends to the prefix and, causally, to itself."""

    def __init__(self, prefix: SharedPrefix, own: OwnTokens) -> None:
        self.prefix, self.own = prefix, own
        self.fed = Fed([0] * len(own.lengths), own.lengths, own.room)

    def attend(self, layer: int, heads: Heads) -> Tensor:
        part = self.prefix.path.prompt(layer, heads, self.own, self.fed)
        return self.prefix.joined(layer, heads, part, self.fed)


class StepPass:
    """One more token a row: it attends to the prefix, the row's tokens so far, and itself."""

    def __init__(self, prefix: SharedPrefix, own: OwnTokens) -> None:
        self.prefix, self.own = prefix, own
        self.fed = Fed(own.lengths, [1] * len(own.lengths), own.room)
        own.lengths = [length + 1 for length in own.lengths]

    def attend(self, layer: int, heads: Heads) -> Tensor:
        part = self.prefix.path.step(layer, heads, self.own, self.fed)
        return self.prefix.joined(layer, heads, part, self.fed)


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
    softcap: float | None = None,
    s_aux: Tensor | None = None,
    **_: Any,
) -> tuple[Tensor, None]:
    if softcap is not None or s_aux is not None:
        raise UserError(
            "this model's attention caps its scores or has sinks, which the shared prefix cannot; "
            "name a Llama, Qwen2 or Mistral-like model"
        )
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    # Positions may have been turned in float32, where what the layers hand on is float32.
    query, key = query.to(value.dtype), key.to(value.dtype)
    heads = Heads(query, key, value, scale, sliding_window)
    layer = module.layer_idx
    assert isinstance(layer, int)
    return tokens.attend(layer, heads).transpose(1, 2).contiguous(), None


AttentionInterface.register(NAME, _attention_function)

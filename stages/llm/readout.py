"""Which states of the LLM are kept, and how those of a span of tokens become one vector.

Shapes: N packed tokens, L tokens of a span, D width of the model, W width of what is kept (D, or
the vocabulary's for the language-model head).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import torch
from torch import Tensor

Layer = Literal["norm", "last_layer", "lm_head"]
Pooling = Literal["max", "mean"]

_TOKENS = 256
"""Tokens whose vocabulary-wide outputs exist at a time."""


class Span:
    """The running maximum or mean over the states of a span of tokens."""

    def __init__(self, pooling: Pooling) -> None:
        self._mean = pooling == "mean"
        self._count = 0
        self._value: Tensor | None = None

    def add(self, states_LW: Tensor) -> "Span":
        """Take in at least one token's states."""
        states_LW = states_LW.float()
        new_W = states_LW.sum(0) if self._mean else states_LW.amax(0)
        if self._value is not None:
            new_W = self._value + new_W if self._mean else torch.maximum(self._value, new_W)
        self._value, self._count = new_W, self._count + len(states_LW)
        return self

    def pooled(self) -> Tensor:
        """(W,) float32."""
        assert self._value is not None
        return self._value / self._count if self._mean else self._value


class Readout:
    """The layer that is read: "norm" (after the final norm, the paper's), "last_layer" (before
    it) or "lm_head" (the outputs over the vocabulary).
    """

    def __init__(self, model: Any, layer: Layer, pooling: Pooling) -> None:
        """Prepare to read a causal LM whose decoder ends in `model.model.norm`."""
        self._norm = model.model.norm
        self._head = model.get_output_embeddings()
        self._layer, self._pooling = layer, pooling

    @contextmanager
    def noting(self) -> Iterator[list[Tensor]]:
        """Collects the states (1, N, D) that go into the final norm, where those are kept."""
        noted: list[Tensor] = []
        if self._layer != "last_layer":
            yield noted
            return
        handle = self._norm.register_forward_pre_hook(lambda _, inputs: noted.append(inputs[0]))
        try:
            yield noted
        finally:
            handle.remove()

    def span(self, states_LD: Tensor) -> Span:
        """The span of these states; more may be added to it."""
        return self.extend(Span(self._pooling), states_LD)

    def extend(self, span: Span, states_LD: Tensor) -> Span:
        """Take further states into a span."""
        if self._layer != "lm_head":
            return span.add(states_LD)
        for part_LD in torch.split(states_LD, _TOKENS):
            span.add(self._head(part_LD.to(self._head.weight.device)))
        return span

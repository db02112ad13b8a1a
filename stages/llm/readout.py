"""Which states of the LLM are kept, and how those of a span of tokens become one vector.

Shapes: N packed tokens, L tokens of a span, D width of the model, W width of what is kept (D, or
the vocabulary's for the language-model head).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor

Layer = Literal["norm", "last_layer", "lm_head"]
Pooling = Literal["max", "mean"]

_TOKENS = 256
"""Tokens whose vocabulary-wide outputs exist at a time."""


class Kind(NamedTuple):
    """What is kept. layer: "norm" (after the final norm, the paper's), "last_layer" (before it)
    or "lm_head" (the outputs over the vocabulary). pooling: over the tokens of a span.
    """

    layer: Layer
    pooling: Pooling

    def __str__(self) -> str:
        return f"{self.layer} {self.pooling}"


class States(NamedTuple):
    """States of packed tokens after the final norm and, where a readout takes them, before it."""

    after_ND: Tensor
    before_ND: Tensor | None


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
    """One kind of states, pooled."""

    def __init__(self, model: Any, kind: Kind) -> None:
        """Prepare to read a causal LM whose decoder ends in `model.model.norm`."""
        self._head = model.get_output_embeddings()
        self._layer, self._pooling = kind

    def of(self, states: States) -> Tensor:
        """The states (N, D) it takes."""
        if self._layer != "last_layer":
            return states.after_ND
        assert states.before_ND is not None
        return states.before_ND

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


class Pooled(NamedTuple):
    """What is kept of one prompt: query_W, answer_W float32.

    An empty answer has no states: answer_W is then the state of the prompt's last token, from
    which its emptiness was read.
    """

    query_W: Tensor
    answer_W: Tensor


class Spans:
    """One prompt under one readout: the states of its query, and those of its answer so far."""

    def __init__(
        self, readout: Readout, states_LD: Tensor, query: int, first: int, answered: int
    ) -> None:
        """Take in a row's states: `query` tokens at its head, `answered` from `first` on."""
        self._readout = readout
        self._query_W = readout.span(states_LD[:query]).pooled()
        answer_LD = states_LD[first : first + answered]
        self._answer = readout.span(answer_LD) if answered else None
        # An empty answer is represented by the state that chose to end.
        self._empty_W = readout.span(states_LD[first - 1][None]).pooled()

    def add(self, state_D: Tensor) -> None:
        """Take in the state of the answer's next token."""
        if self._answer is None:
            self._answer = self._readout.span(state_D[None])
        else:
            self._readout.extend(self._answer, state_D[None])

    def pooled(self) -> Pooled:
        return Pooled(
            self._query_W, self._empty_W if self._answer is None else self._answer.pooled()
        )


class Norm:
    """A model's final norm, listened at where states before it are wanted."""

    def __init__(self, model: Any, kinds: Sequence[Kind]) -> None:
        self._norm = model.model.norm
        self._wanted = any(kind.layer == "last_layer" for kind in kinds)

    @contextmanager
    def noting(self) -> Iterator[list[Tensor]]:
        """Collects the states (1, N, D) that go into the norm, where they are wanted."""
        noted: list[Tensor] = []
        if not self._wanted:
            yield noted
            return
        handle = self._norm.register_forward_pre_hook(lambda _, inputs: noted.append(inputs[0]))
        try:
            yield noted
        finally:
            handle.remove()

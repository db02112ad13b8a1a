"""The frozen LLM's reading of many prompts that begin alike.

A prompt is the run's shared prefix (instruction, examples), a query of its own, and a closing
that hands the turn to the model. For every prompt the engine returns what LLMVS trains on
(section 3 of arXiv 2504.11199): q, the states of the query's tokens, and a, those of the answer's
tokens, both after the final RMSNorm and max-pooled over tokens. Other readouts of the same states
(`stages.llm.readout`) can be had beside it from the same pass.

What plain generation repeats for every frame is done once, and what it keeps is not kept:

- the prefix goes through the model once a run, and its key-value cache is never copied;
- rows are packed end to end, so no linear layer multiplies padding, and a row that has answered
  takes part in no further step;
- the tokens every answer is expected to begin with ride along with the prompt and count only as
  far as greedy decoding chooses them itself, so they change the time, not the answer;
- states are pooled as they come, and vocabulary-wide logits exist only where a token is chosen.

Shapes: N packed tokens, B rows, L tokens of a row, D width of the model, W width of what is kept.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

import torch
from torch import Tensor

from stages.errors import UserError
from stages.llm import attention, paths, weights
from stages.llm.decoders import decoder_of, name_of
from stages.llm.readout import Kind, Layer, Norm, Pooled, Pooling, Readout, Spans, States

VERSIONS = {"float32": 4, "float16": 5, "bfloat16": 5}
"""By dtype, part of every key in the work store: raise one when the same inputs would give other
numbers in it."""


@dataclass(frozen=True)
class Reading:
    """What the model made of one prompt.

    query_W, answer_W: `Pooled` by the engine's own readout. `tokens`: the answer, without
    the end of the turn. `also`: the other readouts, in their order.
    """

    query_W: Tensor
    answer_W: Tensor
    tokens: tuple[int, ...]
    also: tuple[Pooled, ...] = ()


@dataclass
class _Row:
    index: int
    tokens: list[int]
    next: int
    spans: list[Spans]
    """One a readout."""

    def reading(self) -> Reading:
        own, *also = (spans.pooled() for spans in self.spans)
        return Reading(own.query_W, own.answer_W, tuple(self.tokens), tuple(also))


class Engine:
    """A causal LM with its shared prefix already read."""

    def __init__(
        self,
        model: Any,
        prefix: Sequence[int],
        closing: Sequence[int],
        ends: Sequence[int],
        max_new_tokens: int,
        draft: Sequence[int] = (),
        complete: Callable[[Sequence[int], int], bool] | None = None,
        layer: Layer = "norm",
        pooling: Pooling = "max",
        also: Sequence[Kind] = (),
        path: attention.Path | None = None,
    ) -> None:
        """Read the prefix.

        Args:
            model: a transformers causal LM, on its device, in its dtype; its attention is
                switched to the shared-prefix one.
            prefix: token ids before the query; may be empty.
            closing: token ids after the query, at least one.
            ends: token ids that end the model's turn.
            max_new_tokens: the longest answer, its end included.
            draft: what answers probably begin with; a matter of speed alone.
            complete: whether an answer's tokens are all of it, given the one that would follow;
                None: only the end of the turn ends one.
            layer, pooling: what is kept of the states; see `stages.llm.readout`.
            also: what is kept of them beside.
            path: how attention is computed; None: `stages.llm.paths.choose`.

        Raises:
            UserError: the model has no final RMSNorm, or its attention cannot be replaced.
        """
        self.model = model.eval()
        self.decoder = decoder_of(model)
        self.prefix, self.closing = tuple(prefix), tuple(closing)
        self.ends = frozenset(ends)
        self.max_new_tokens = max_new_tokens
        self.draft = tuple(takewhile(lambda token: token not in self.ends, draft))[:max_new_tokens]
        self.complete = complete
        kinds = [Kind(layer, pooling), *also]
        self.readouts = [Readout(model, kind) for kind in kinds]
        self.norm = Norm(model, kinds)
        self.device = model.get_input_embeddings().weight.device
        try:
            model.set_attn_implementation(attention.NAME)
        except ValueError as error:
            raise UserError(
                f"{name_of(model)}: this architecture's attention cannot be replaced, which the "
                f"shared prefix needs; name a Llama, Qwen2 or Mistral-like model ({error})"
            ) from error
        self.shared = attention.SharedPrefix(len(self.prefix), path or paths.choose(model))
        if self.prefix:
            with torch.inference_mode():
                self._states(self.prefix, range(len(self.prefix)), self.shared)

    def _states(
        self, ids: Sequence[int], positions: Sequence[int], tokens: attention.Pass
    ) -> States:
        """The states of packed tokens."""
        with self.norm.noting() as noted:
            output = self.decoder(
                input_ids=torch.tensor([list(ids)], device=self.device),
                position_ids=torch.tensor([list(positions)], device=self.device),
                use_cache=False,
                tokens=tokens,
            )
        return States(output.last_hidden_state[0], noted[0][0] if noted else None)

    def _choices(self, states_BD: Tensor) -> list[int]:
        """The greedy next token after each state."""
        head = self.model.get_output_embeddings()
        chosen: list[int] = head(states_BD.to(head.weight.device)).argmax(-1).tolist()
        return chosen

    @torch.inference_mode()
    def read(self, queries: Sequence[Sequence[int]]) -> list[Reading]:
        """Read one batch of prompts, given by the token ids of their queries.

        Two calls with the same batch give the same bits; another composition of the batch rounds
        differently in the last places, as matrix products do.

        Raises:
            UserError: a prompt and its answer are longer than the model's context.
        """
        if not queries:
            return []
        self._check_lengths(queries)
        rows, own = self._read_prompts(queries)
        readings: dict[int, Reading] = {}
        while True:
            going = []
            for place, row in enumerate(rows):
                if self._answered(row):
                    readings[row.index] = row.reading()
                else:
                    going.append(place)
            if not going:
                return [readings[index] for index in range(len(queries))]
            if len(going) < len(rows):
                own.keep(going)
                rows = [rows[place] for place in going]
            self._step(rows, own)

    def _answered(self, row: _Row) -> bool:
        if row.next in self.ends or len(row.tokens) >= self.max_new_tokens:
            return True
        return self.complete is not None and self.complete(row.tokens, row.next)

    def _check_lengths(self, queries: Sequence[Sequence[int]]) -> None:
        longest = max(len(query) for query in queries)
        total = len(self.prefix) + longest + len(self.closing) + self.max_new_tokens
        room = weights.room(self.model.config.get_text_config())
        if room is not None and total > room:
            raise UserError(
                f"{name_of(self.model)}: the longest prompt and its answer take {total} tokens, "
                f"the model has room for {room}; use a smaller window, shorter captions or fewer "
                "examples"
            )

    def _read_prompts(
        self, queries: Sequence[Sequence[int]]
    ) -> tuple[list[_Row], attention.OwnTokens]:
        """Run whole rows, each with the draft at its end; accept of it what greedy choice does."""
        packed = [(*query, *self.closing, *self.draft) for query in queries]
        P, spare = len(self.prefix), self.max_new_tokens - len(self.draft)
        lengths = [len(row) for row in packed]
        own = attention.OwnTokens(lengths, max(lengths) + spare)
        states = self._states(
            [token for row in packed for token in row],
            [P + place for length in lengths for place in range(length)],
            attention.PromptPass(self.shared, own),
        )
        tails = len(self.draft) + 1
        ends = [states_LD[-tails:] for states_LD in torch.split(states.after_ND, lengths)]
        choices = self._choices(torch.cat(ends))
        rows = []
        for index, query in enumerate(queries):
            chosen = choices[index * tails : (index + 1) * tails]
            accepted = 0
            while accepted < len(self.draft) and chosen[accepted] == self.draft[accepted]:
                accepted += 1
            own.lengths[index] = len(query) + len(self.closing) + accepted
            rows.append(_Row(index, list(self.draft[:accepted]), chosen[accepted], []))
        for readout in self.readouts:
            kept = torch.split(readout.of(states), lengths)
            for row, query, kept_LD in zip(rows, queries, kept, strict=True):
                first = len(query) + len(self.closing)
                row.spans.append(Spans(readout, kept_LD, len(query), first, len(row.tokens)))
        return rows, own

    def _step(self, rows: list[_Row], own: attention.OwnTokens) -> None:
        """Feed each row its next token, pool its states, choose the token after it."""
        positions = [len(self.prefix) + length for length in own.lengths]
        states = self._states(
            [row.next for row in rows], positions, attention.StepPass(self.shared, own)
        )
        for place, readout in enumerate(self.readouts):
            for row, kept_D in zip(rows, readout.of(states), strict=True):
                row.spans[place].add(kept_D)
        for row, choice in zip(rows, self._choices(states.after_ND), strict=True):
            row.tokens.append(row.next)
            row.next = choice

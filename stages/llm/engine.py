"""The frozen LLM's reading of many prompts that begin alike.

A prompt is the run's shared prefix (instruction, examples), a query of its own, and a closing
that hands the turn to the model. For every prompt the engine returns what LLMVS trains on
(section 3 of arXiv 2504.11199): q, the states of the query's tokens, and a, those of the answer's
tokens, both after the final RMSNorm and max-pooled over tokens (`stages.llm.readout` has others).

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
from stages.llm import attention
from stages.llm.readout import Layer, Pooling, Readout, Span

VERSION = 4
"""Part of every key in the work store: raise it when the same inputs would give other numbers."""


@dataclass(frozen=True)
class Reading:
    """What the model made of one prompt.

    query_W, answer_W: float32, pooled states. `tokens`: the answer, without the end of the turn.
    An empty answer has no states: answer_W is then the state of the prompt's last token, from
    which its emptiness was read.
    """

    query_W: Tensor
    answer_W: Tensor
    tokens: tuple[int, ...]


@dataclass
class _Row:
    index: int
    query_W: Tensor
    answer: Span | None
    """None while the answer is empty."""
    empty_W: Tensor
    tokens: list[int]
    next: int

    def reading(self) -> Reading:
        answer_W = self.empty_W if self.answer is None else self.answer.pooled()
        return Reading(self.query_W, answer_W, tuple(self.tokens))


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

        Raises:
            UserError: the model has no final RMSNorm, or its attention cannot be replaced.
        """
        self.model = model.eval()
        self.decoder = _decoder(model)
        self.prefix, self.closing = tuple(prefix), tuple(closing)
        self.ends = frozenset(ends)
        self.max_new_tokens = max_new_tokens
        self.draft = tuple(takewhile(lambda token: token not in self.ends, draft))[:max_new_tokens]
        self.complete = complete
        self.readout = Readout(model, layer, pooling)
        self.device = model.get_input_embeddings().weight.device
        try:
            model.set_attn_implementation(attention.NAME)
        except ValueError as error:
            raise UserError(
                f"{_name(model)}: this architecture's attention cannot be replaced, which the "
                f"shared prefix needs; name a Llama, Qwen2 or Mistral-like model ({error})"
            ) from error
        self.shared = attention.SharedPrefix(len(self.prefix))
        if self.prefix:
            with torch.inference_mode():
                self._states(self.prefix, range(len(self.prefix)), self.shared)

    def _states(
        self, ids: Sequence[int], positions: Sequence[int], tokens: attention.Pass
    ) -> tuple[Tensor, Tensor]:
        """States (N, D) of packed tokens after the final norm, and those the readout takes."""
        with self.readout.noting() as noted:
            output = self.decoder(
                input_ids=torch.tensor([list(ids)], device=self.device),
                position_ids=torch.tensor([list(positions)], device=self.device),
                use_cache=False,
                tokens=tokens,
            )
        states_ND: Tensor = output.last_hidden_state[0]
        return states_ND, noted[0][0] if noted else states_ND

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
        room = getattr(self.model.config, "max_position_embeddings", None)
        if room is not None and total > room:
            raise UserError(
                f"{_name(self.model)}: the longest prompt and its answer take {total} tokens, the "
                f"model has room for {room}; use a smaller window, shorter captions or fewer "
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
        states_ND, kept_ND = self._states(
            [token for row in packed for token in row],
            [P + place for length in lengths for place in range(length)],
            attention.PromptPass(self.shared, own),
        )
        tails = len(self.draft) + 1
        states = torch.split(states_ND, lengths)
        choices = self._choices(torch.cat([states_LD[-tails:] for states_LD in states]))
        rows = []
        for index, (query, kept_LD) in enumerate(
            zip(queries, torch.split(kept_ND, lengths), strict=True)
        ):
            chosen = choices[index * tails : (index + 1) * tails]
            accepted = 0
            while accepted < len(self.draft) and chosen[accepted] == self.draft[accepted]:
                accepted += 1
            first = len(query) + len(self.closing)
            own.lengths[index] = first + accepted
            span = self.readout.span
            rows.append(
                _Row(
                    index,
                    span(kept_LD[: len(query)]).pooled(),
                    span(kept_LD[first : first + accepted]) if accepted else None,
                    # An empty answer is represented by the state that chose to end.
                    span(kept_LD[first - 1][None]).pooled(),
                    list(self.draft[:accepted]),
                    chosen[accepted],
                )
            )
        return rows, own

    def _step(self, rows: list[_Row], own: attention.OwnTokens) -> None:
        """Feed each row its next token, pool its state, choose the token after it."""
        positions = [len(self.prefix) + length for length in own.lengths]
        states_BD, kept_BD = self._states(
            [row.next for row in rows], positions, attention.StepPass(self.shared, own)
        )
        choices = self._choices(states_BD)
        for row, kept_D, choice in zip(rows, kept_BD, choices, strict=True):
            if row.answer is None:
                row.answer = self.readout.span(kept_D[None])
            else:
                self.readout.extend(row.answer, kept_D[None])
            row.tokens.append(row.next)
            row.next = choice


def _name(model: Any) -> str:
    return str(model.config.name_or_path or type(model).__name__)


def _decoder(model: Any) -> Any:
    """The layers under the language-model head, which must end in an RMSNorm."""
    decoder = getattr(model, "model", None)
    norm = getattr(decoder, "norm", None)
    if norm is None or "RMSNorm" not in type(norm).__name__:
        found = "nothing of that name" if norm is None else type(norm).__name__
        raise UserError(
            f"{_name(model)}: expected a final RMSNorm at model.norm, found {found}; name a "
            "Llama, Qwen2 or Mistral-like model"
        )
    return decoder

"""Every frame of every video before the LLM, through the work store.

The item of the store is a batch, not a frame. A row's last bits depend on the rows beside it, so
a frame stored alone would come out differently after an interruption than without one. Batches
are planned from one video's distinct prompts and nothing else: a killed run loses one batch, and
an added video changes no other video's batches.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch

from stages.errors import UserError
from stages.llm import engine, weights
from stages.llm.batches import plan
from stages.llm.engine import Reading
from stages.llm.examples import Examples
from stages.llm.packing import pack
from stages.llm.prompt import Layout, layout, query_text
from stages.llm.readout import Layer, Pooling
from stages.llm.reply import completion
from stages.llm.settings import Embed
from stages.llm.window import windows
from stages.work.executor import Task, complete
from stages.work.store import Arrays, Store, key

log = logging.getLogger("llmvs")

Queries = tuple[tuple[int, ...], ...]
"""Token ids of one batch's queries."""


@dataclass(frozen=True)
class Judgement:
    """What the LLM made of a video's T frames: query_TW, answer_TW float32, and its words."""

    query_TW: np.ndarray
    answer_TW: np.ndarray
    replies: list[str]


@dataclass(frozen=True)
class Setting:
    """Everything an engine is built from, in a form that travels to another process.

    answer: the template whose score ends an answer; None where only the turn's end does.
    """

    llm: str
    revision: str | None
    dtype: str
    layout: Layout
    ends: tuple[int, ...]
    max_new_tokens: int
    answer: str | None
    layer: Layer
    pooling: Pooling

    @classmethod
    def of(cls, embed: Embed, examples: Examples) -> "Setting":
        """Fetch what `embed` names and lay its prompt out. Raises UserError where it cannot."""
        tokenizer = weights.tokenizer(embed.llm, embed.revision)
        folder = weights.fetch(embed.llm, embed.revision)
        prompt = embed.prompt.model_copy(update={"examples": examples})
        longest, answer = embed.max_new_tokens, prompt.answer if embed.stop == "score" else None
        if prompt.task == "summary":
            assert prompt.summary is not None  # the schema's to see to
            longest, answer = prompt.summary.max_new_tokens, None
        return cls(
            embed.llm,
            embed.revision,
            str(weights.dtype_of(embed.dtype)).removeprefix("torch."),
            layout(tokenizer, prompt),
            weights.ends_of_turn(folder, tokenizer),
            longest,
            answer,
            embed.layer,
            embed.pooling,
        )

    def determinants(self) -> dict[str, Any]:
        """What, beside its queries, decides a batch's numbers."""
        return {
            "stage": "embed",
            "algorithm": engine.VERSION,
            "weights": weights.identity(self.llm, self.revision),
            "dtype": self.dtype,
            "prefix": self.layout.prefix,
            "closing": self.layout.closing,
            "draft": self.layout.draft,
            "ends": self.ends,
            "max_new_tokens": self.max_new_tokens,
            "complete": self.answer,
            "layer": self.layer,
            "pooling": self.pooling,
        }

    def engine(self) -> engine.Engine:
        """The model, with the prefix read."""
        model = pack(weights.model(self.llm, self.revision, weights.dtype_of(self.dtype)))
        complete = None
        if self.answer is not None:
            decode, scored = self.layout.tokenizer.decode, completion(self.answer)

            def complete(tokens: Sequence[int], following: int) -> bool:
                return scored(decode(tokens), decode([*tokens, following]))

        return engine.Engine(
            model,
            self.layout.prefix,
            self.layout.closing,
            self.ends,
            self.max_new_tokens,
            self.layout.draft,
            complete,
            self.layer,
            self.pooling,
        )


class Judge:
    """Worker of the executor: reads batches of queries.

    A batch that does not fit into the GPU's memory is halved until it does, and so are those
    after it. What was read in halves may differ in its last bits from what a larger memory gives.
    """

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.decode = setting.layout.tokenizer.decode
        self.engine = setting.engine()
        self.room: int | None = None
        """Tokens of queries read at once; None: as many as a batch has."""

    def __call__(self, batches: list[Queries]) -> Iterator[tuple[int, Arrays]]:
        for index, queries in enumerate(batches):
            readings = self._read(queries)
            replies = [self.decode(x.tokens, skip_special_tokens=True) for x in readings]
            yield (
                index,
                {
                    "query": np.stack([x.query_W.cpu().numpy() for x in readings]),
                    "answer": np.stack([x.answer_W.cpu().numpy() for x in readings]),
                    "reply": np.array(replies, dtype=np.str_),
                },
            )

    def _read(self, queries: Queries) -> list[Reading]:
        lengths = [len(query) for query in queries]
        readings: dict[int, Reading] = {}
        parts = plan(lengths, sum(lengths) if self.room is None else self.room)
        while parts:
            part = parts[0]
            try:
                found = self.engine.read([queries[index] for index in part])
            except torch.OutOfMemoryError as error:
                if len(part) == 1:
                    raise UserError(
                        f"{self.setting.llm}: out of memory with a single prompt of "
                        f"{lengths[part[0]]} tokens; free the GPU of others, or name a smaller "
                        "model or dtype, or a smaller embed.window"
                    ) from error
                self.room = sum(lengths[index] for index in part) // 2
            else:
                readings |= zip(part, found, strict=True)
                del parts[0]
                continue
            # Only here, past the handler, has the exception let go of what the attempt held.
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
            log.warning(
                "out of memory with %d prompts at once: going on with at most %d tokens; set "
                "embed.token_budget to that to spare the attempt",
                *(len(part), self.room),
            )
            left = sorted(set(range(len(queries))) - set(readings))
            again = plan([lengths[index] for index in left], self.room)
            parts = [[left[place] for place in part] for part in again]
        return [readings[index] for index in range(len(queries))]


def judge(
    videos: Mapping[str, Sequence[str]],
    embed: Embed,
    examples: Examples,
    store: Store,
) -> tuple[dict[str, Judgement], list[str]]:
    """Judge every frame, computing what the store does not hold.

    Args:
        videos: each video's captions in order.
        embed: the recipe's section.
        examples: shown before every query.

    Returns:
        Each video's judgement, and the keys of the store's items they rest on.

    Raises:
        UserError: the model cannot be had or used, or a prompt is longer than its context.
    """
    setting = Setting.of(embed, examples)
    shared = setting.determinants()
    places: dict[str, list[tuple[int, int]]] = {}
    tasks: list[Task[Queries]] = []
    frames = distinct = 0
    for video, captions in videos.items():
        texts = [
            query_text(embed.prompt, window, caption)
            for window, caption in zip(
                windows(captions, embed.window, embed.edges), captions, strict=True
            )
        ]
        queries = {text: setting.layout.query(text) for text in dict.fromkeys(texts)}
        order = list(queries)
        place: dict[str, tuple[int, int]] = {}
        for batch in plan([len(queries[text]) for text in order], embed.token_budget):
            payload = tuple(queries[order[index]] for index in batch)
            place |= {order[index]: (len(tasks), row) for row, index in enumerate(batch)}
            tasks.append(Task(key(**shared, queries=payload), payload, cost=len(payload)))
        places[video] = [place[text] for text in texts]
        frames, distinct = frames + len(texts), distinct + len(order)
    log.info("%d frames, %d distinct prompts in %d batches", frames, distinct, len(tasks))
    results = complete(tasks, partial(Judge, setting), store, noun="batches of prompts")
    judgements = {
        video: Judgement(
            np.stack([results[task]["query"][row] for task, row in rows]),
            np.stack([results[task]["answer"][row] for task, row in rows]),
            [str(results[task]["reply"][row]) for task, row in rows],
        )
        for video, rows in places.items()
    }
    return judgements, [task.key for task in tasks]

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

from stages.llm import engine, weights
from stages.llm.batches import plan
from stages.llm.packing import pack
from stages.llm.prompt import Layout, layout, query_text
from stages.llm.window import windows
from stages.params import Embed
from stages.work.executor import Task, complete
from stages.work.store import Arrays, Store, key

log = logging.getLogger("llmvs")

Queries = tuple[tuple[int, ...], ...]
"""Token ids of one batch's queries."""


@dataclass(frozen=True)
class Judgement:
    """What the LLM made of a video's T frames: query_TD, answer_TD float32, and its words."""

    query_TD: np.ndarray
    answer_TD: np.ndarray
    replies: list[str]


@dataclass(frozen=True)
class Setting:
    """Everything an engine is built from, in a form that travels to another process."""

    llm: str
    revision: str | None
    dtype: str
    layout: Layout
    ends: tuple[int, ...]
    max_new_tokens: int

    @classmethod
    def of(cls, embed: Embed) -> "Setting":
        """Fetch what `embed` names and lay its prompt out. Raises UserError where it cannot."""
        tokenizer = weights.tokenizer(embed.llm, embed.revision)
        folder = weights.fetch(embed.llm, embed.revision)
        return cls(
            embed.llm,
            embed.revision,
            str(weights.dtype_of(embed.dtype)).removeprefix("torch."),
            layout(tokenizer, embed.prompt),
            weights.ends_of_turn(folder, tokenizer),
            embed.max_new_tokens,
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
        }

    def engine(self) -> engine.Engine:
        """The model, with the prefix read."""
        model = pack(weights.model(self.llm, self.revision, weights.dtype_of(self.dtype)))
        return engine.Engine(
            model,
            self.layout.prefix,
            self.layout.closing,
            self.ends,
            self.max_new_tokens,
            self.layout.draft,
        )


class Judge:
    """Worker of the executor: reads batches of queries."""

    def __init__(self, setting: Setting) -> None:
        self.decode = setting.layout.tokenizer.decode
        self.engine = setting.engine()

    def __call__(self, batches: list[Queries]) -> Iterator[tuple[int, Arrays]]:
        for index, queries in enumerate(batches):
            readings = self.engine.read(queries)
            replies = [self.decode(x.tokens, skip_special_tokens=True) for x in readings]
            yield (
                index,
                {
                    "query": np.stack([x.query_D.cpu().numpy() for x in readings]),
                    "answer": np.stack([x.answer_D.cpu().numpy() for x in readings]),
                    "reply": np.array(replies, dtype=np.str_),
                },
            )


def judge(
    videos: Mapping[str, Sequence[str]], embed: Embed, store: Store
) -> tuple[dict[str, Judgement], list[str]]:
    """Judge every frame, computing what the store does not hold.

    Args:
        videos: each video's captions in order.
        embed: the recipe's section.

    Returns:
        Each video's judgement, and the keys of the store's items they rest on.

    Raises:
        UserError: the model cannot be had or used, or a prompt is longer than its context.
    """
    setting = Setting.of(embed)
    shared = setting.determinants()
    places: dict[str, list[tuple[int, int]]] = {}
    tasks: list[Task[Queries]] = []
    frames = distinct = 0
    for video, captions in videos.items():
        texts = [
            query_text(embed.prompt, window, caption)
            for window, caption in zip(windows(captions, embed.window), captions, strict=True)
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

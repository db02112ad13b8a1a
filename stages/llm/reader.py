"""Every frame of every video before the LLM, through the work store.

The item of the store is a batch, not a frame. A row's last bits depend on the rows beside it, so
a frame stored alone would come out differently after an interruption than without one. Batches
are planned from one video's distinct prompts and nothing else: a killed run loses one batch, and
an added video changes no other video's batches.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice

import numpy as np
import torch

from stages.errors import UserError
from stages.llm import smollm2
from stages.llm import weights as llms
from stages.llm.batches import plan
from stages.llm.blueprint import Blueprint
from stages.llm.engine import Reading
from stages.llm.examples import Examples
from stages.llm.prompt import query_texts
from stages.llm.queries import Ids, Queries
from stages.llm.settings import Embed
from stages.work import burden, workers
from stages.work.executor import Task, stream
from stages.work.items import Arrays
from stages.work.overflow import overflowed
from stages.work.pace import duration
from stages.work.parcels import Model
from stages.work.store import Store, key
from stages.work.workers import Away

log = logging.getLogger("llmvs")

Places = np.ndarray[tuple[int, int], np.dtype[np.int32]]
"""Of each of a video's T frames (T, 2) in which of its batches it is read, and in which row."""


@dataclass(frozen=True)
class VideoReading:
    """What the LLM made of a video's T frames: query_TW, answer_TW float32, and its words."""

    query_TW: np.ndarray
    answer_TW: np.ndarray
    replies: list[str]


class Reader:
    """Worker of the executor: reads batches of queries.

    What the blueprint's other readouts keep goes beside, under the readout's name (see
    `executor.Task.siblings`); their tokens and replies are the same.

    A batch that does not fit into the GPU's memory is halved until it does, and so are those
    after it. What was read in halves may differ in its last bits from what a larger memory gives.
    """

    def __init__(self, blueprint: Blueprint) -> None:
        self.blueprint = blueprint
        self.decode = blueprint.layout.tokenizer.decode
        self.engine = blueprint.engine()
        self.room: int | None = None
        """Tokens of queries read at once; None: as many as a batch has."""

    def __call__(self, batches: list[Sequence[Ids]]) -> Iterator[tuple[int, Arrays]]:
        for index, queries in enumerate(batches):
            readings = self._read(tuple(queries))
            replies = [self.decode(x.tokens, skip_special_tokens=True) for x in readings]
            said = np.array(replies, dtype=np.str_)
            arrays = {
                "query": np.stack([x.query_W.cpu().numpy() for x in readings]),
                "answer": np.stack([x.answer_W.cpu().numpy() for x in readings]),
                "reply": said,
            }
            for place, kind in enumerate(self.blueprint.also):
                also = [x.also[place] for x in readings]
                arrays[f"{kind}/query"] = np.stack([x.query_W.cpu().numpy() for x in also])
                arrays[f"{kind}/answer"] = np.stack([x.answer_W.cpu().numpy() for x in also])
                arrays[f"{kind}/reply"] = said
            states = (kept for kept in arrays.values() if kept.dtype == np.float32)
            if not all(np.isfinite(kept).all() for kept in states):
                raise overflowed(self.blueprint.llm, self.blueprint.dtype, "embed.dtype")
            yield index, arrays

    def _read(self, queries: Sequence[Ids]) -> list[Reading]:
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
                        f"{self.blueprint.llm}: out of memory with a single prompt of "
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
                "out of memory with %d prompts at once: going on with at most %d tokens; in what "
                "is begun anew embed.token_budget, set to that, spares the attempt (what is "
                "finished here would be read again under it)",
                *(len(part), self.room),
            )
            left = sorted(set(range(len(queries))) - set(readings))
            again = plan([lengths[index] for index in left], self.room)
            parts = [[left[place] for place in part] for part in again]
        return [readings[index] for index in range(len(queries))]


def read_videos(
    videos: Mapping[str, Sequence[str]],
    embed: Embed,
    examples: Examples,
    store: Store,
    adapter: bytes | None = None,
) -> tuple[Iterator[tuple[str, VideoReading]], list[str]]:
    """Have the LLM read every frame, computing what the store does not hold.

    Args:
        videos: each video's captions in order.
        embed: the recipe's section.
        examples: shown before every query.
        adapter: what is added to the LLM's weights (`stages.work.adapters`).

    Returns:
        Each video with its reading, in order, one in memory at a time, the LLM at work when the
        first is asked for; and the keys of the store's items that belong to them, those of the
        readouts kept beside included.

    Raises:
        UserError: the model cannot be had or used, or is too much for this machine, or a prompt is
            longer than its context.
    """
    blueprint = Blueprint.of(embed, examples, adapter)
    shared = blueprint.determinants()
    siblings = {name: other.determinants() for name, other in blueprint.siblings().items()}
    planned: list[tuple[str, int, Places]] = []
    tasks: list[Task[Sequence[Ids]]] = []
    missing: set[str] = set()
    left: Counter[int] = Counter()
    frames = distinct = 0
    for video, captions in videos.items():
        texts = query_texts(embed, captions)
        queries = {text: blueprint.layout.query(text) for text in dict.fromkeys(texts)}
        order = list(queries)
        place: dict[str, tuple[int, int]] = {}
        first = len(tasks)
        for batch in plan([len(queries[text]) for text in order], embed.token_budget):
            ids = tuple(queries[order[index]] for index in batch)
            number = len(tasks) - first
            place |= {order[index]: (number, row) for row, index in enumerate(batch)}
            beside = {name: key(**other, queries=ids) for name, other in siblings.items()}
            length = sum(map(len, ids))
            tasks.append(Task(key(**shared, queries=ids), Queries(ids), len(ids), beside, length))
            if tasks[-1].key not in missing and tasks[-1].key not in store:
                missing.add(tasks[-1].key)
                left.update(map(len, ids))
        places_T2 = np.array([place[text] for text in texts], dtype=np.int32).reshape(-1, 2)
        planned.append((video, len(tasks) - first, places_T2))
        frames, distinct = frames + len(texts), distinct + len(order)
    log.info("%d frames, %d distinct prompts in %d batches", frames, distinct, len(tasks))
    weights = _foretell(blueprint, left)
    load = partial(Reader, blueprint)
    fetch = partial(llms.fetch, blueprint.llm, blueprint.revision)
    results = stream(
        tasks,
        load,
        store,
        noun="batches of prompts",
        unit="prompts",
        weights=weights,
        away=Away(load, Model(blueprint.llm, fetch)),
    )
    keys = [used for task in tasks for used in (task.key, *task.siblings.values())]
    return _readings(planned, results), keys


def _readings(
    planned: Iterable[tuple[str, int, Places]], results: Iterator[Arrays]
) -> Iterator[tuple[str, VideoReading]]:
    """Each video with its reading.

    Args:
        planned: of each video its name, how many batches are its own, and where its frames are.
        results: the batches' in the same order.
    """
    for video, count, places_T2 in planned:
        batches, places = list(islice(results, count)), places_T2.tolist()
        yield (
            video,
            VideoReading(
                np.stack([batches[batch]["query"][row] for batch, row in places]),
                np.stack([batches[batch]["answer"][row] for batch, row in places]),
                [str(batches[batch]["reply"][row]) for batch, row in places],
            ),
        )


def _foretell(blueprint: Blueprint, left: Mapping[int, int]) -> int:
    """Say how many prompts are to be read and, where that is known before, how long it takes.

    left: how many of so many tokens.

    Returns the bytes of the model's weights, 0 where they are not known or wanted. Raises UserError
    where that is too much for this machine.
    """
    prompts = sum(left.values())
    if not prompts:
        return 0
    asked = blueprint.burden(left)
    if asked is not None:
        burden.checked(asked)
    known = (blueprint.llm, blueprint.dtype) == (smollm2.NAME, "float32")
    if known and not workers.cards():
        rate = smollm2.PROMPTS_PER_SECOND
        log.info(
            "%s prompts to read, about %s on two cores (at %g/s)",
            *(f"{prompts:,}", duration(prompts / rate), rate),
        )
    else:
        log.info("%s prompts to read", f"{prompts:,}")
    return 0 if asked is None else asked.weights

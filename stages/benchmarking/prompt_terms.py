"""The terms of the embed stage: prompts laid out, batches of states, embeddings.h5.

Shapes: R rows of a batch, T sampled frames, W width of a state.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from stages.artifacts import embeddings
from stages.artifacts.video import EVERY
from stages.benchmarking import corpus
from stages.benchmarking.terms import Corpus, Term, held, mean, size_of, timed
from stages.llm.examples import written
from stages.llm.reader import read_videos
from stages.params import parse
from stages.planning import passage, rates, storage, traffic, workload
from stages.work.items import Arrays
from stages.work.store import Store, key

ROWS, WIDTH, BATCHES = 18, 5120, 27
"""Of a large batch, as Llama-2-13B's: rows and width; of a video so many."""


def local(made: Corpus) -> Iterator[Term]:
    """Those of this process alone. Raises UserError where the stand-in LLM's tokenizer cannot be
    had.
    """
    yield from _embeddings(made)
    yield from _large(made)


def spread() -> Iterator[Term]:
    """Those of a Ray cluster. Raises UserError as `cluster.joined`."""
    from stages.work import cluster

    ray = cluster.joined()
    drawn = np.random.default_rng(0)
    prompts = [tuple(tuple(drawn.integers(256, 32_000, 220).tolist()) for _ in range(ROWS))]
    formula = passage.prompts(1, ROWS, 220)
    yield Term(f"{ROWS} prompts of 220 tokens", "bytes", size_of(ray, prompts), formula)
    states = _states()
    formula = passage.answers(1, [array.nbytes for array in states.values()])
    yield Term("what comes back of them", "bytes", size_of(ray, [(0, states)]), formula)


def _embeddings(made: Corpus) -> Iterator[Term]:
    llm = corpus.llm(made.root / "llm")
    settings = parse(corpus.recipe(llm)).datasets[corpus.DATASET].embed
    assert settings is not None
    said = made.captions()
    words = {video: [frame.caption for frame in each] for video, each in said.items()}
    out, total = made.root / "embeddings.h5", made.frames.total
    store = Store(made.root / "embeddings", "embed", out)

    def begun() -> Any:
        return read_videos(words, settings, written(settings), store)

    for _ in begun()[0]:  # which fills the store
        pass
    (readings, keys), seconds = timed(begun)
    yield Term("a prompt laid out", "s", seconds / total, rates.LAID_OUT)
    prompt = workload.prompt(settings, made.words)
    formula: float = traffic.waiting(total, len(keys), prompt.query) / total
    yield Term("a prompt that waits", "bytes of memory", held(begun) / total, formula)

    def assemble() -> None:
        with embeddings.writing(out, llm=settings.llm, scale=settings.prompt.scale) as file:
            for video, reading in readings:
                file.put(
                    video,
                    query_TW=reading.query_TW,
                    answer_TW=reading.answer_TW,
                    score_T=np.zeros(made.steps),
                    replies=reading.replies,
                    picks_T=[frame.pick for frame in said[video]],
                )
        store.keep(keys)

    seconds = timed(assemble)[1]
    width = corpus.WIDTH
    flow = traffic.embed(settings, made.frames, prompt, width, 1, made.words, 1)
    formula = flow.assembly / made.videos
    yield Term("embeddings of a video assembled", "s", seconds / made.videos, formula)
    sizes = [store.place(each).stat().st_size for each in keys]
    yield Term("items of prompts", "", len(keys), flow.items)
    # A stand-in's replies are longer than a model's, and noise.
    replies = [arrays["reply"] for each in keys if (arrays := store.get(each)) is not None]
    widest = mean([_characters(said_R) for said_R in replies])
    formula = storage.states(total / len(keys), width, widest)
    yield Term("an item of prompts", "bytes", mean(sizes), formula)
    length = mean([len(str(reply).encode()) for said_R in replies for reply in said_R])
    formula = storage.embeddings(made.frames, width, length)
    yield Term("embeddings.h5", "bytes", out.stat().st_size, formula)


def _large(made: Corpus) -> Iterator[Term]:
    """States as wide as a large model's."""
    store, states = Store(made.root / "large"), _states()
    keys = [key(number=number) for number in range(BATCHES)]
    size = sum(array.nbytes for array in states.values())

    def put() -> None:
        for each in keys:
            store.put(each, states)

    seconds = timed(put)[1]
    yield Term("a large item put", "s", seconds / BATCHES, rates.PUT + size / rates.WRITTEN)
    seconds = timed(lambda: [store.get(each) for each in keys])[1]
    yield Term("a large item got", "s", seconds / BATCHES, rates.GOT + size / rates.READ)
    place = store.place(keys[0]).stat().st_size
    yield Term(
        "a large item", "bytes", place, storage.states(ROWS, WIDTH, _characters(states["reply"]))
    )

    def assemble() -> None:
        with embeddings.writing(made.root / "large.h5", llm="made") as file:
            found = [store.get(each) or {} for each in keys]
            steps = BATCHES * ROWS
            file.put(
                "video_1",
                query_TW=np.concatenate([arrays["query"] for arrays in found]),
                answer_TW=np.concatenate([arrays["answer"] for arrays in found]),
                score_T=np.zeros(steps),
                replies=[str(reply) for arrays in found for reply in arrays["reply"]],
                picks_T=EVERY * np.arange(steps),
            )

    seconds = timed(assemble)[1]
    formula = BATCHES * (ROWS * rates.EMBEDDED + ROWS * 2 * 4 * WIDTH / rates.COPIED)
    yield Term(f"{BATCHES} of them assembled", "s", seconds, formula)
    one = workload.Frames(((BATCHES * ROWS, 1),), "made")
    size = (made.root / "large.h5").stat().st_size
    yield Term("embeddings.h5 of them", "bytes", size, storage.embeddings(one, WIDTH, 8))


def _states() -> Arrays:
    random = np.random.default_rng(0)
    query_RW, answer_RW = random.random((2, ROWS, WIDTH), dtype=np.float32)
    return {"query": query_RW, "answer": answer_RW, "reply": np.array(["score: 7"] * ROWS)}


def _characters(said_R: np.ndarray[Any, Any]) -> int:
    size: int = said_R.dtype.itemsize
    return size // storage.CHARACTER

"""The terms of the caption stage: keys, items, their way through the executor, captions.jsonl."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from stages.artifacts import captions, frames
from stages.artifacts.captions import Caption
from stages.artifacts.video import EVERY
from stages.benchmarking.executor import by
from stages.benchmarking.standing_captions import Standing
from stages.benchmarking.terms import Corpus, Term, held, mean, pace, size_of, timed
from stages.captioners import asking
from stages.captioners.captioner import Frame
from stages.planning import passage, rates, storage
from stages.work import portions
from stages.work.executor import Task, stream
from stages.work.items import Arrays
from stages.work.store import Store
from stages.work.workers import Away


@dataclass(frozen=True)
class Answering:
    """A captioner's worker that says the same of every frame, at once."""

    said: str

    def __call__(self, payloads: Sequence[Any]) -> Iterator[tuple[int, Arrays]]:
        for index in range(len(payloads)):
            yield index, {"caption": np.array(self.said)}


def local(made: Corpus) -> Iterator[Term]:
    """Those of this process alone."""
    total, characters = made.frames.total, len(made.said)
    tasks, seconds = timed(partial(_tasks, made))
    yield Term("a frame's key", "s", seconds / total, rates.KEYED)
    waiting = held(partial(_tasks, made))
    yield Term("a frame that waits", "bytes of memory", waiting / total, rates.CAPTION_TASK)

    out = made.root / "captions.jsonl"
    store = Store(made.root / "captions", "caption", out)
    load = partial(Answering, made.said)
    with by("serial"):
        results = stream(tasks, load, store)
        found = [next(results)]
        yield Term("through the executor, serial", "items/s", pace(store), 1 / rates.SERIAL)
        seconds = timed(lambda: _assemble(made, store, out, tasks, [*found, *results]))[1]
    formula = made.steps * rates.CAPTIONED
    yield Term("captions of a video assembled", "s", seconds / made.videos, formula)

    places = [store.place(task.key) for task in tasks]
    sizes = [place.stat().st_size for place in places]
    yield Term("an item of a caption", "bytes", mean(sizes), storage.caption(characters))
    taken = mean([512 * place.stat().st_blocks for place in places])
    yield Term("the same on disk", "bytes", taken, storage.on_disk(storage.caption(characters)))
    (root,) = store.roots.glob("*.json")
    yield Term("which keys captions are of", "bytes", root.stat().st_size, storage.root(total))
    formula = storage.lines(made.frames, characters)
    yield Term("captions.jsonl", "bytes", out.stat().st_size, formula)

    again = Store(made.root / "again")
    arrays = {"caption": np.array(made.said)}

    def put() -> None:
        for task in tasks:
            again.put(task.key, arrays)

    yield Term("put into the store", "items/s", total / timed(put)[1], 1 / rates.PUT)
    seconds = timed(lambda: [again.get(task.key) for task in tasks])[1]
    yield Term("got from the store", "items/s", total / seconds, 1 / rates.GOT)


def _tasks(made: Corpus) -> list[Task[Frame]]:
    """As the caption stage makes them."""
    with frames.reading(made.root / "frames.h5") as videos:
        return asking.tasks(Standing(), asking.images(videos))


def _assemble(
    made: Corpus, store: Store, out: Path, tasks: list[Task[Frame]], found: Sequence[Arrays]
) -> None:
    said = [str(arrays["caption"]) for arrays in found]
    captions.write(
        out,
        (
            Caption(video=task.payload.video, pick=EVERY * task.payload.index, caption=words)
            for task, words in zip(tasks, said, strict=True)
        ),
    )
    store.keep(task.key for task in tasks)


def spread(made: Corpus) -> Iterator[Term]:
    """Those of a Ray cluster of one worker, frames by value.

    Raises UserError as `cluster.joined`.
    """
    from stages.work import cluster

    load, batch = partial(Answering, made.said), Standing().batch
    store = Store(made.root / "spread")
    tasks = _tasks(made)
    with by("ray"), asking.Jpegs(made.root / "frames.h5") as jpegs:
        next(stream(tasks, load, store, away=Away(load, together=batch, carry=jpegs)))
        yield Term("through the executor, Ray", "items/s", pace(store), 1 / rates.RAY)
        share = portions.share(len(tasks), batch, 1)
        sent = [jpegs(task.payload) for task in tasks[:share]]
    ray = cluster.joined()
    back = list(load()(sent))
    formula = passage.frames(share, made.jpeg)
    yield Term(f"a share of {share} frames", "bytes", size_of(ray, sent), formula)
    formula = passage.answers(share, [storage.CHARACTER * len(made.said)])
    yield Term("what comes back of it", "bytes", size_of(ray, back), formula)

"""Every caption of every video before the text model, through the work store.

Captions that read the same are computed once, with the first video that says them, in batches of
that video's alone; and a batch is the item of the store, since a row's last bits depend on the rows
beside it. So a killed run loses one batch, and a video added at the end of a dataset costs that
video.

Shapes: T sampled frames, D width of a vector.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np
import numpy.typing as npt

from stages.encoders.encoder import Encoder, Ids, Tokens, model_class
from stages.encoders.settings import Sentences
from stages.llm import weights
from stages.llm.batches import plan
from stages.work import architecture, burden
from stages.work.burden import Burden
from stages.work.executor import Task, result, stream
from stages.work.items import Arrays
from stages.work.on_demand import MadeAnew
from stages.work.parcels import Model
from stages.work.store import Store, key
from stages.work.workers import Away

log = logging.getLogger("llmvs")

VERSION = 1
"""Raise it when the same caption and settings are to give another vector."""

Floats = npt.NDArray[np.float32]


def read_videos(
    videos: Mapping[str, Sequence[str]], settings: Sentences, store: Store
) -> tuple[Mapping[str, Floats], list[str]]:
    """One vector a caption, computing what the store does not hold.

    Args:
        videos: each video's captions in order.

    Returns:
        Each video's vectors (T, D), all computed and read from the store when they are asked for;
        and the keys of the store's items that belong to them.

    Raises:
        UserError: the model cannot be had or used, or is too much for this machine.
    """
    tokens = Tokens(settings)
    shared = {
        "stage": "sentences",
        "version": VERSION,
        "weights": weights.identity(settings.model, settings.revision),
        "dtype": settings.dtype,
        "pooling": settings.pooling,
    }
    place: dict[str, tuple[int, int]] = {}
    tasks: list[Task[tuple[Ids, ...]]] = []
    for captions in videos.values():
        new = [caption for caption in dict.fromkeys(captions) if caption not in place]
        ids = [tokens.ids(caption) for caption in new]
        for batch in plan([len(each) for each in ids], settings.token_budget):
            payload = tuple(ids[index] for index in batch)
            place |= {new[index]: (len(tasks), row) for row, index in enumerate(batch)}
            length = sum(map(len, payload))
            tasks.append(
                Task(key(**shared, sentences=payload), payload, len(payload), effort=length)
            )
    log.info(
        "%d captions, %d distinct in %d batches",
        *(sum(map(len, videos.values())), len(place), len(tasks)),
    )
    if tokens.cut:
        log.warning(
            "%d distinct captions are longer than %s reads, and are cut at their end",
            *(tokens.cut, settings.model),
        )
    load = partial(Encoder, settings)
    weighed = _foretold(settings, tasks, store)
    away = Away(
        load, Model(settings.model, partial(weights.fetch, settings.model, settings.revision))
    )
    results = stream(
        tasks, load, store, "batches of captions", "captions", weights=weighed, away=away
    )
    next(results, None)  # which is not read before all are kept
    return _Vectors(videos, place, tasks, partial(result, store, load=load)), [
        task.key for task in tasks
    ]


class _Vectors(MadeAnew[Floats]):
    """What was made of each video's captions, read from the store when it is asked for."""

    def __init__(
        self,
        videos: Mapping[str, Sequence[str]],
        place: Mapping[str, tuple[int, int]],
        tasks: Sequence[Task[tuple[Ids, ...]]],
        read: Callable[[Task[tuple[Ids, ...]]], Arrays],
    ) -> None:
        super().__init__(videos)
        self._videos, self._place, self._tasks, self._read = videos, place, tasks, read

    def make(self, name: str) -> Floats:
        places = [self._place[caption] for caption in self._videos[name]]
        read = {
            task: self._read(self._tasks[task])["sentence"] for task in {of for of, _ in places}
        }
        return np.stack([read[task][row] for task, row in places])


def _foretold(settings: Sentences, tasks: Sequence[Task[tuple[Ids, ...]]], store: Store) -> int:
    """Bytes of the model's weights, 0 where nothing is left to read.

    Raises UserError where what is left is too much for this machine.
    """
    missing = [task for task in tasks if task.key not in store]
    if not missing:
        return 0
    config = weights.configuration(settings.model, settings.revision)
    kind = model_class(settings, config)
    parameters, linear = architecture.encoder(kind, settings.model, config)
    read = sum(len(ids) for task in missing for ids in task.payload)
    asked = Burden(
        *(settings.model, "sentences.model", parameters, settings.dtype),
        *(sum(task.cost for task in missing), "captions", 2.0 * read * linear),
    )
    burden.checked(asked)
    return asked.weights

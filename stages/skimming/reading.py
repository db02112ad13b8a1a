"""What an LLM makes of a film's frames: captions, then each one judged among its neighbours.

Shapes: T sampled frames, W width of an embedding.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from stages.artifacts import frames
from stages.artifacts.captions import Caption
from stages.captioners import asking, registry
from stages.captioners.captioner import Frame
from stages.captioners.settings import CaptionSettings
from stages.llm import context, engine, weights
from stages.llm.examples import written
from stages.llm.fingerprint import determinants
from stages.llm.reader import read_videos
from stages.llm.settings import Embed
from stages.media.films import said_of
from stages.media.looking import Film
from stages.work.scratch import scratch
from stages.work.store import Store

_GROUP = 512  # frames to a group of the temporary file

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Read:
    """captions: of the T frames. replies: the LLM's words on each. states_TW: by input's name; none
    of what is only shown.
    """

    captions: tuple[str, ...]
    replies: tuple[str, ...]
    states_TW: Mapping[str, Floats]


def determined(film: Film, caption: CaptionSettings, embed: Embed) -> dict[str, Any]:
    """All that decides what is said of a film's frames, in JSON's types.

    Raises UserError where the models cannot be identified.
    """
    plan = next(iter(registry.plans(caption).values()))
    llm = weights.identity(embed.llm, embed.revision)
    return {
        "film": film.whole,
        "captioner": plan.determinants(),
        "embed": determinants(embed, llm),
        "reader": engine.VERSIONS[embed.dtype],
    }


def captions(film: Film, settings: CaptionSettings, store: Store) -> tuple[str, ...]:
    """A caption of every sampled frame. Raises UserError where the captioner cannot be had."""
    plan = next(iter(registry.plans(settings).values()))
    tasks = asking.tasks(
        plan,
        (
            (Frame(f"part_{index // _GROUP + 1}", index % _GROUP), asking.jpeg_key(jpeg))
            for index, jpeg in enumerate(film.jpegs(store))
        ),
    )
    with scratch(store.root, "frames") as folder:
        path = folder / "frames.h5"
        if any(task.key not in store for task in tasks):
            _lay_out(film, store, path)
        return tuple(asking.answers(plan, tasks, path, store))


def _lay_out(film: Film, store: Store, path: Path) -> None:
    """The film's frames as captioners are handed them."""
    with frames.writing(path) as put:
        jpegs = film.jpegs(store)
        for number, start in enumerate(range(0, len(film.picks_T), _GROUP)):
            picks_T = film.picks_T[start : start + _GROUP]
            group = tuple(islice(jpegs, len(picks_T)))
            put(frames.Sampled(f"part_{number + 1}", picks_T, group))


def read(film: Film, said: tuple[str, ...], embed: Embed, store: Store) -> Read:
    """Have the LLM judge every caption among its neighbours'.

    Raises UserError where the LLM cannot be had, or a prompt is longer than its context.
    """
    examples = written(embed)
    name = said_of(film.path)
    frames_said = [
        Caption(video=name, pick=int(pick), caption=words)
        for pick, words in zip(film.picks_T, said, strict=True)
    ]
    context.check({name: frames_said}, embed, [examples])
    readings, _ = read_videos({"film": said}, embed, examples, store)
    ((_, made),) = readings
    states: dict[str, Any] = {"query": made.query_TW, "answer": made.answer_TW}
    return Read(said, tuple(made.replies), states)

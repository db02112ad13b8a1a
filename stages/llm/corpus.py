"""All videos of a dataset before the LLM, once or once a split, into the embeddings file."""

import logging
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from stages.artifacts.captions import Caption, Words
from stages.artifacts.embeddings import Split, Writing
from stages.artifacts.people import People
from stages.llm import context
from stages.llm.examples import Examples, JudgedCaptions, drawn
from stages.llm.reader import read_videos
from stages.llm.reply import parser
from stages.llm.settings import Embed
from stages.splits.folds import Split as Fold
from stages.splits.folds import splits
from stages.splits.settings import Protocol, Splits
from stages.work.store import Store

log = logging.getLogger("llmvs")

Said = Mapping[str, Sequence[Caption]]
"""Every video's captions, a frame each."""


class Kept(NamedTuple):
    """Keys of the store's items that were used, frames read, and replies without a score."""

    keys: list[str]
    frames: int
    unparsed: int


def embed_once(
    file: Writing, said: Said, settings: Embed, examples: Examples, store: Store
) -> Kept:
    """Have the LLM read every video, and put each into the file.

    Raises UserError as `reader.read_videos`; of a prompt that is too long, before the model is
    loaded.
    """
    context.check(said, settings, [examples])
    return _embed(file, said, settings, examples, store)


def shown_by_split(
    said: Said,
    people: People,
    settings: Embed,
    split_by: Splits,
    parts: Mapping[str, str],
) -> dict[Protocol, list[tuple[Fold, Examples]]]:
    """Each protocol's splits, with the examples drawn of each one's training videos.

    parts: of a published split, by video (`Timeline.parts`).

    Raises UserError as `examples.drawn` and `splits.folds.splits`.
    """
    words = Words(said)
    judged = {
        video.name: JudgedCaptions(words[video.name], video.gtscore_T) for video in people.videos
    }
    return {
        protocol: [
            (split, drawn({name: judged[name] for name in split.train}, settings))
            for split in splits(protocol, split_by.source, list(judged), split_by.folds, parts)
        ]
        for protocol in split_by.protocols
    }


def embed_by_split(
    file: Writing,
    said: Said,
    people: People,
    settings: Embed,
    split_by: Splits,
    store: Store,
    parts: Mapping[str, str],
) -> Kept:
    """Have the LLM read every video once a split, with examples of the split's training videos.

    Args:
        file: to put them into.
        said: captions of every video that people judged.
        people: their scores are what drawn examples show.
        settings, split_by: the recipe's sections.
        store: of what was read before.
        parts: of a published split, by video (`Timeline.parts`).

    Raises:
        UserError: as `embed_once`, `examples.drawn` and `splits.folds.splits`.
    """
    planned = shown_by_split(said, people, settings, split_by, parts)
    context.check(said, settings, [shown for each in planned.values() for _, shown in each])
    total = Kept([], 0, 0)
    for protocol, each in planned.items():
        for number, (split, examples) in enumerate(each):
            log.info("protocol %s, split %d of %d", protocol, number + 1, len(each))
            kept = _embed(file, said, settings, examples, store, (protocol, number), split.test)
            total = Kept(
                total.keys + kept.keys, total.frames + kept.frames, total.unparsed + kept.unparsed
            )
    return total


def _embed(
    file: Writing,
    said: Said,
    settings: Embed,
    examples: Examples,
    store: Store,
    split: Split | None = None,
    tested: Sequence[str] = (),
) -> Kept:
    readings, keys = read_videos(Words(said), settings, examples, store)
    parse = parser(settings.prompt.answer, settings.prompt.scale)
    asked = settings.prompt.task == "score"
    frames = unparsed = 0
    for video, reading in readings:
        scores = [parse(reply) for reply in reading.replies] if asked else []
        frames, unparsed = frames + len(reading.replies), unparsed + scores.count(None)
        file.put(
            video,
            query_TW=reading.query_TW,
            answer_TW=reading.answer_TW,
            score_T=[np.nan if score is None else score for score in scores] if asked else None,
            replies=reading.replies,
            picks_T=[frame.pick for frame in said[video]],
            split=split,
            tested=video in tested,
        )
    return Kept(keys, frames, unparsed)

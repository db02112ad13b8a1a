"""All videos of a dataset before the LLM, once or once a split, into the embed stage's file."""

import logging
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import h5py
import numpy as np

from stages.artifacts import embeddings as readings
from stages.artifacts.captions import Caption
from stages.artifacts.field import Annotations
from stages.errors import UserError
from stages.llm.examples import Examples, Judged, drawn
from stages.llm.judge import judge
from stages.llm.reply import parser
from stages.llm.settings import Embed
from stages.params import Recipe
from stages.splits.folds import splits
from stages.work.store import Store

log = logging.getLogger("llmvs")

Said = Mapping[str, Sequence[Caption]]
"""Every video's captions, a frame each."""


def _words(frames: Sequence[Caption]) -> list[str]:
    return [frame.caption for frame in frames]


class Kept(NamedTuple):
    """Keys of the store's items that were used, frames read, and replies without a score."""

    keys: list[str]
    frames: int
    unparsed: int


def read(parent: h5py.Group, said: Said, settings: Embed, examples: Examples, store: Store) -> Kept:
    """Have the LLM read every video, and write each one's group into `parent`.

    Raises UserError as `judge`.
    """
    words = {video: _words(frames) for video, frames in said.items()}
    judgements, keys = judge(words, settings, examples, store)
    parse = parser(settings.prompt.answer, settings.prompt.scale)
    scored = settings.prompt.task == "score"
    frames = unparsed = 0
    for video, judgement in judgements.items():
        scores = [parse(reply) if scored else None for reply in judgement.replies]
        frames, unparsed = frames + len(scores), unparsed + scores.count(None)
        readings.put(
            parent.create_group(video, track_order=True),
            query_TW=judgement.query_TW,
            answer_TW=judgement.answer_TW,
            score_T=[np.nan if score is None else score for score in scores],
            replies=judgement.replies,
            picks_T=[frame.pick for frame in said[video]],
        )
    return Kept(keys, frames, unparsed)


def read_by_split(
    file: h5py.File,
    said: Said,
    annotated: Annotations,
    recipe: Recipe,
    store: Store,
) -> Kept:
    """Have the LLM read every video once a split, with examples of the split's training videos.

    Raises UserError as `read` and `examples.drawn`, and where captions and annotations differ.
    """
    train = recipe.train
    judged = {}
    for video in annotated.videos:
        if video.name not in said or len(said[video.name]) != len(video.gtscore_T):
            raise UserError(
                f"{video.name}: captions and annotations are not of the same frames; run the "
                "caption stage again (`dvc repro`)"
            )
        judged[video.name] = Judged(_words(said[video.name]), video.gtscore_T)
    total = Kept([], 0, 0)
    for protocol in train.protocols:
        for number, split in enumerate(splits(protocol, train.splits, list(judged), train.folds)):
            log.info("protocol %s, split %d of %d", protocol, number + 1, train.folds)
            examples = drawn({name: judged[name] for name in split.train}, recipe.embed)
            group = file.create_group(f"{readings.SPLITS}/{protocol}/{number}", track_order=True)
            kept = read(group, said, recipe.embed, examples, store)
            total = Kept(
                total.keys + kept.keys, total.frames + kept.frames, total.unparsed + kept.unparsed
            )
            for name in split.test:
                if name not in file:
                    file[name] = group[name]  # a second name for it, not a copy
            last = group
    for name in said:  # tested by no split
        if name not in file:
            file[name] = last[name]
    return total

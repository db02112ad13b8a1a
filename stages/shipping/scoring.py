"""A head's scores of a dataset's videos, from embeddings that were made as it needs them.

Shapes: T sampled frames, W width of an embedding.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from stages import params
from stages.artifacts import embeddings, timeline
from stages.artifacts.names import matched, nearest
from stages.artifacts.places import Places
from stages.artifacts.timeline import Timeline
from stages.artifacts.video import Video
from stages.errors import UserError
from stages.llm import weights
from stages.llm.fingerprint import determinants, differing
from stages.llm.settings import Embed
from stages.params import Recipe
from stages.scorers.heads.card import Card
from stages.scorers.heads.shelf import Head
from stages.section import PARAMS, fault
from stages.work.files import replacing

Scores = Mapping[str, npt.NDArray[np.float32]]
"""By video: (T,), in 0..1."""


def scores(head: Head, dataset: str, data: Path, videos: Sequence[str] | None = None) -> Scores:
    """The head's scores of a dataset's videos, in the timeline's order.

    Args:
        head: as `shelf.load` gives it.
        dataset: an entry of params.yaml, embedded.
        data: folder of what the stages made.
        videos: by name or title, those wanted; None: every one.

    Raises:
        UserError: the embeddings are not there or are made with other settings, or a video is not
            one of the dataset.
    """
    recipe = params.recipe(dataset)
    if recipe.embed is None:
        raise UserError(
            f"{PARAMS}: datasets.{dataset}: {recipe.given.kind} are given, so it is not known "
            f"whether embeddings are made as {head.card.name} needs them; begin with captions"
        )
    check(head.card, recipe.embed, f"datasets.{dataset}.embed")
    places = Places(data / dataset)
    spine = timeline.read(places.timeline)
    found = {}
    with embeddings.reading(places.embeddings) as file:
        for video in _wanted(spine, videos):
            embedded = file.video(video)
            inputs_TW = {"query": embedded.query_TW, "answer": embedded.answer_TW}
            fed = {str(name): torch.from_numpy(inputs_TW[name]) for name in head.card.inputs}
            found[video.name] = head.scorer.scores(fed).numpy()
    return found


def check(card: Card, embed: Embed, place: str) -> None:
    """Raises UserError, naming what differs, where a section makes other embeddings than the head
    learnt from, or where the card's own section is none of this version.

    Args:
        card: the head's.
        embed: the section.
        place: where it stands in params.yaml, for messages.
    """
    try:
        theirs = determinants(Embed.model_validate(card.embed), card.llm)
    except ValueError as error:
        raise UserError(
            f"{card.name}: the section `embed` of its card is not one of this version "
            f"({fault(error)}); use the version that made it, or train it again with "
            "`llmvs head train`"
        ) from error
    ours = determinants(embed, weights.identity(embed.llm, embed.revision))
    if paths := differing(ours, theirs):
        raise UserError(
            f"{PARAMS}: {place}: {card.name} learnt from other embeddings than these settings "
            f"make; what differs: {', '.join(paths)}. Its card has its own section under `embed`: "
            "embed with that, or use another head"
        )


def in_sample(card: Card, dataset: str, recipe: Recipe) -> str | None:
    """A sentence to warn with where a dataset, or its benchmark, is one the head learnt from."""
    for source in card.sources:
        if source.dataset == dataset or (
            source.benchmark is not None and source.benchmark == recipe.benchmark
        ):
            return (
                f"{card.name} learnt from {source.dataset}, what people said of these very videos "
                "included: agreement of these scores with people is in-sample and says nothing "
                "about other videos; what to expect of those is in `llmvs head list`"
            )
    return None


def write(path: Path, found: Scores) -> None:
    """``{video: [score, …]}``, a video a line, whole or not at all."""
    lines = (f"{json.dumps(video)}: {json.dumps(of.tolist())}" for video, of in found.items())
    with replacing(path) as temporary:
        temporary.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def _wanted(spine: Timeline, videos: Sequence[str] | None) -> Sequence[Video]:
    if videos is None:
        return spine.videos
    titles = [(video.name, video.title) for video in spine.videos]
    found, strangers = matched(dict.fromkeys(videos), titles, "--videos")
    if strangers:
        near = nearest(strangers[0], (name for both in titles for name in both))
        raise UserError(
            f"--videos: {spine.dataset} has no {strangers[0]!r}"
            f"{f'; is {near} meant?' if near else ''} (has {len(titles)}, {titles[0][0]} to "
            f"{titles[-1][0]}, by these names or their titles)"
        )
    return tuple(video for video in spine.videos if video.name in found)

"""embed: a frozen LLM reads each caption in its window."""

import logging
from pathlib import Path
from typing import Annotated

import h5py
import numpy as np
import typer

from stages import command, params
from stages.datasets import annotations as people
from stages.errors import UserError
from stages.llm import captions as caption_file
from stages.llm.judge import judge
from stages.llm.reply import parser
from stages.model import pooled
from stages.work.files import replacing
from stages.work.store import Store

log = logging.getLogger("llmvs")


def embed(
    dataset: Annotated[str, typer.Option(help="an entry of params.yaml: datasets")],
    captions: Annotated[Path, typer.Option(help="JSON lines, one a frame (from caption)")],
    out: Annotated[Path, typer.Option(help="HDF5 file to write")],
    annotations: Annotated[
        Path | None, typer.Option(help="names and picks, for a recipe whose embeddings are given")
    ] = None,
) -> None:
    """Show a frozen LLM each frame's caption among its neighbours' and keep what it thinks.

    For every frame the LLM reads an instruction, a few examples and the captions of a window,
    and answers with a score. What the paper trains on are not the answers but the states behind
    them: `query`, over the tokens of the captions, and `answer`, over those of the reply, each
    the maximum over tokens of the last layer after its norm. The reply's own number is kept as
    `score`, the zero-shot baseline, NaN where there is none on the scale.

    Finished batches are kept in the work store, so a stopped run goes on where it was and ends
    with the same file, byte for byte; adding a video costs that video.

    Where the recipe names the authors' `embeddings`, those are taken over and no LLM runs.

    One group a video: query (T, D), answer (T, D), score (T,), reply (T,), picks (T,).
    """
    recipe = params.recipe(dataset)
    settings = recipe.embed
    if recipe.embeddings is not None:
        if annotations is None:
            raise UserError(f"datasets.{dataset}.embeddings are given: name --annotations as well")
        _take_over(recipe.embeddings, people.read(annotations), settings, out)
        return
    videos = caption_file.read(captions)
    store = Store.default()
    words = {video: [frame.caption for frame in frames] for video, frames in videos.items()}
    judgements, keys = judge(words, settings, store)
    parse = parser(settings.prompt.answer, settings.prompt.scale)
    unparsed = frames_total = 0
    with replacing(out) as temporary, h5py.File(temporary, "w", track_order=True) as file:
        for video, judgement in judgements.items():
            scores = [parse(reply) for reply in judgement.replies]
            unparsed += scores.count(None)
            frames_total += len(scores)
            score_T = np.array([np.nan if s is None else s for s in scores], dtype=np.float32)
            group = file.create_group(video, track_order=True)
            group["query"] = judgement.query_TD
            group["answer"] = judgement.answer_TD
            group["score"] = score_T
            group.create_dataset("reply", data=judgement.replies, dtype=h5py.string_dtype())
            group["picks"] = np.array([frame.pick for frame in videos[video]], dtype=np.int64)
        lowest, highest = settings.prompt.scale
        file.attrs["llm"] = settings.llm
        file.attrs["lowest"], file.attrs["highest"] = lowest, highest
        file.attrs["unparsed"] = unparsed
    store.keep(out, keys)
    if unparsed:
        log.warning("%d of %d replies hold no score on the scale", unparsed, frames_total)
    else:
        log.info("all %d replies hold a score", frames_total)


def _take_over(
    given: params.Pooled, annotated: people.Annotations, settings: params.Embed, out: Path
) -> None:
    """The authors' embeddings in this stage's schema, without words or a score of the LLM's."""
    queries = pooled.states(Path(given.query).expanduser(), annotated)
    answers = pooled.states(Path(given.answer).expanduser(), annotated)
    with replacing(out) as temporary, h5py.File(temporary, "w", track_order=True) as file:
        for video, query_TD, answer_TD in zip(annotated.videos, queries, answers, strict=True):
            steps = len(video.picks_T)
            group = file.create_group(video.name, track_order=True)
            group["query"], group["answer"] = query_TD, answer_TD
            group["score"] = np.full(steps, np.nan, dtype=np.float32)
            group.create_dataset("reply", data=[""] * steps, dtype=h5py.string_dtype())
            group["picks"] = video.picks_T.astype(np.int64)
        file.attrs["llm"] = f"given: {given.query}, {given.answer}"
        file.attrs["lowest"], file.attrs["highest"] = settings.prompt.scale
        file.attrs["unparsed"] = sum(len(video.picks_T) for video in annotated.videos)
    log.info("%s: the given embeddings of %d videos", out, len(annotated.videos))


if __name__ == "__main__":
    command.run(embed)

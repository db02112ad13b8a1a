"""embed: a frozen LLM reads each caption in its window."""

import logging
from pathlib import Path
from typing import Annotated

import h5py
import numpy as np
import typer

from stages import command, params
from stages.artifacts import captions as caption_file
from stages.artifacts import embeddings as readings
from stages.artifacts import field as people
from stages.errors import UserError
from stages.llm import corpus
from stages.llm.examples import written
from stages.sources import pooled
from stages.work.files import replacing
from stages.work.store import Store

log = logging.getLogger("llmvs")


def embed(
    dataset: Annotated[str, typer.Option(help="an entry of params.yaml: datasets")],
    captions: Annotated[Path, typer.Option(help="JSON lines, one a frame (from caption)")],
    out: Annotated[Path, typer.Option(help="HDF5 file to write")],
    annotations: Annotated[
        Path | None, typer.Option(help="for given embeddings, and examples of training videos")
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

    Where examples are drawn from training videos (embed.prompt.shown), every split has prompts of
    its own, which never show a video that the split tests, and so embeddings of its own.

    One group a video: query (T, W), answer (T, W), score (T,), reply (T,), picks (T,).
    """
    recipe = params.recipe(dataset)
    settings = recipe.embed
    if recipe.embeddings is not None:
        _take_over(recipe.embeddings, _people(annotations, dataset), settings, out)
        return
    said = caption_file.read(captions)
    store = Store.default()
    with replacing(out) as temporary, h5py.File(temporary, "w", track_order=True) as file:
        shown = settings.prompt.shown
        if shown.source == "training" and shown.count:
            kept = corpus.read_by_split(file, said, _people(annotations, dataset), recipe, store)
        else:
            kept = corpus.read(file, said, settings, written(settings), store)
        lowest, highest = settings.prompt.scale
        file.attrs["llm"] = settings.llm
        file.attrs["lowest"], file.attrs["highest"] = lowest, highest
        file.attrs["unparsed"] = kept.unparsed
    store.keep(out, kept.keys)
    if settings.prompt.task == "summary":
        log.info("replies are summaries: there is no zero-shot score")
    elif kept.unparsed:
        log.warning("%d of %d replies hold no score on the scale", kept.unparsed, kept.frames)
    else:
        log.info("all %d replies hold a score", kept.frames)


def _people(path: Path | None, dataset: str) -> people.Annotations:
    if path is None:
        raise UserError(
            f"datasets.{dataset}: given embeddings and examples drawn from training videos need "
            "people's annotations: name --annotations as well"
        )
    return people.read(path)


def _take_over(
    given: params.Pooled, annotated: people.Annotations, settings: params.Embed, out: Path
) -> None:
    """The authors' embeddings in this stage's schema, without words or a score of the LLM's."""
    queries = pooled.states(Path(given.query).expanduser(), annotated)
    answers = pooled.states(Path(given.answer).expanduser(), annotated)
    with replacing(out) as temporary, h5py.File(temporary, "w", track_order=True) as file:
        for video, query_TW, answer_TW in zip(annotated.videos, queries, answers, strict=True):
            steps = len(video.picks_T)
            readings.put(
                file.create_group(video.name, track_order=True),
                query_TW=query_TW,
                answer_TW=answer_TW,
                score_T=np.full(steps, np.nan),
                replies=[""] * steps,
                picks_T=video.picks_T,
            )
        file.attrs["llm"] = f"given: {given.query}, {given.answer}"
        file.attrs["lowest"], file.attrs["highest"] = settings.prompt.scale
        file.attrs["unparsed"] = sum(len(video.picks_T) for video in annotated.videos)
    log.info("%s: the given embeddings of %d videos", out, len(annotated.videos))


if __name__ == "__main__":
    command.run(embed)

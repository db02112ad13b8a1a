"""embed: a frozen LLM reads each caption in its window."""

import logging
from pathlib import Path
from typing import Annotated

import typer

from stages import command, section
from stages.artifacts import captions as caption_file
from stages.artifacts import embeddings
from stages.artifacts import people as people_file
from stages.artifacts import timeline as timeline_file
from stages.errors import UserError
from stages.llm import corpus
from stages.llm.examples import written
from stages.llm.settings import Embed
from stages.splits.settings import Splits
from stages.work.store import Store

log = logging.getLogger("llmvs")


def embed(
    dataset: Annotated[str, typer.Option(help="an entry of params.yaml: datasets")],
    captions: Annotated[Path, typer.Option(help="JSON lines, one a frame")],
    timeline: Annotated[Path, typer.Option(help="the dataset's videos and their picks")],
    out: Annotated[Path, typer.Option(help="HDF5 file to write")],
    people: Annotated[
        Path | None, typer.Option(help="their judgement, for examples of training videos alone")
    ] = None,
) -> None:
    """Show a frozen LLM each frame's caption among its neighbours' and keep what it thinks.

    For every frame the LLM reads an instruction, a few examples and the captions of a window,
    and answers with a score. What the paper trains on are not the answers but the states behind
    them: `query`, over the tokens of the captions, and `answer`, over those of the reply, each
    the maximum over tokens of the last layer after its norm. The reply's own number is kept as
    `score`, the zero-shot baseline, NaN where there is none on the scale.

    Finished batches are kept in the work store, so a stopped run goes on where it was and ends
    with the same file, byte for byte; adding a video costs that video. What embed.also names is
    kept there from the same pass, for a recipe that asks for it.

    Where examples are drawn from training videos (embed.prompt.shown), every split has prompts of
    its own, which never show a video that the split tests, and so embeddings of its own.

    Without a GPU, a large model that would take more than a day is refused with the hours, unless
    LLMVS_SLOW=1.

    One group a video: query (T, W), answer (T, W), score (T,), reply (T,), picks (T,).
    """
    settings: Embed = section.lookup(Embed, "datasets", dataset, "embed")
    prompt = settings.prompt
    videos = timeline_file.read(timeline)
    said = caption_file.of_timeline(captions, videos)
    judged = None
    if prompt.shown.drawn:
        if people is None:
            raise UserError(
                f"datasets.{dataset}.embed: examples drawn from training videos need people's "
                "judgement: name --people as well"
            )
        judged = people_file.read(people, videos)
        split_by: Splits = section.lookup(Splits, "datasets", dataset, "splits")
    store = Store.default("embed", out)
    with embeddings.writing(out, llm=settings.llm, scale=prompt.scale) as file:
        if judged is not None:
            kept = corpus.embed_by_split(
                file, said, judged, settings, split_by, store, videos.parts
            )
        else:
            kept = corpus.embed_once(file, said, settings, written(settings), store)
    store.keep(kept.keys)
    if prompt.task == "summary":
        log.info("replies are summaries: there is no zero-shot score")
    elif kept.unparsed:
        log.warning("%d of %d replies hold no score on the scale", kept.unparsed, kept.frames)
    else:
        log.info("all %d replies hold a score", kept.frames)


if __name__ == "__main__":
    command.run(embed)

"""The given stage: captions, embeddings or scores that others made, on the dataset's timeline."""

import logging
from pathlib import Path
from typing import Annotated

import typer

from stages import command, section
from stages.artifacts import captions as caption_lines
from stages.artifacts import embeddings as states
from stages.artifacts import scores as score_rows
from stages.artifacts import timeline as timelines
from stages.artifacts.timeline import Timeline
from stages.errors import UserError
from stages.sources import given as givens
from stages.sources import pooled, score_files
from stages.sources.settings import Captions, Embeddings, Given, Scores
from stages.work.store import Store

log = logging.getLogger("llmvs")


def given(
    dataset: Annotated[str, typer.Option(help="An entry of params.yaml: datasets.")],
    source: Annotated[Path, typer.Option(help="Folder with timeline.h5.")],
    timeline: Annotated[Path, typer.Option(help="The final timeline, to write.")],
    captions: Annotated[Path | None, typer.Option(help="JSON lines to write.")] = None,
    embeddings: Annotated[Path | None, typer.Option(help="HDF5 file to write.")] = None,
    scores: Annotated[Path | None, typer.Option(help="HDF5 file to write.")] = None,
) -> None:
    """Read what the recipe is given and check it against the timeline, frame by frame.

    Writes the timeline, which must have shots, and the one of captions, embeddings and scores that
    is given; features alone are held against it by the features stage. What is of another dataset,
    of other frames than those picked, or not what it should be ends the stage.
    """
    settings = section.lookup(Given, "datasets", dataset, "given")
    places = {"captions": captions, "embeddings": embeddings, "scores": scores}
    out = places.get(settings.kind)
    if out is None and settings.kind != "features":
        what = "there is nothing for this stage to do" if settings.kind == "videos" else "say where"
        raise UserError(
            f"params.yaml: datasets.{dataset}.given: {settings.kind} are given; {what} "
            f"({', '.join(f'--{key}' for key in places)})"
        )
    known = timelines.read(source / "timeline.h5")
    for video in known.videos:
        video.known_shots()
    match settings, out:
        case Captions(), Path():
            _captions(settings, known, out)
        case Embeddings(), Path():
            _embeddings(settings, known, out)
        case Scores(), Path():
            rows = score_files.rows(settings.rows, known)
            score_rows.write(out, rows)
            _log(known, f"scores of {', '.join(rows)} for")
    timelines.write(timeline, known)


def _captions(settings: Captions, known: Timeline, out: Path) -> None:
    said = givens.captions(settings, known, Store.default().root / "downloads")
    caption_lines.write(out, said)
    _log(known, "captions of")


def _embeddings(settings: Embeddings, known: Timeline, out: Path) -> None:
    query, answer = Path(settings.query).expanduser(), Path(settings.answer).expanduser()
    with states.writing(out, llm=f"given ({query.name}, {answer.name})", scale=None) as file:
        for video, query_TW, answer_TW in pooled.read(query, answer, known):
            file.put(video.name, query_TW=query_TW, answer_TW=answer_TW, picks_T=video.picks_T)
    _log(known, "embeddings of")


def _log(known: Timeline, what: str) -> None:
    frames = sum(len(video.picks_T) for video in known.videos)
    log.info("%s %d videos, %s frames", what, len(known.videos), f"{frames:,}")


if __name__ == "__main__":
    command.run(given)

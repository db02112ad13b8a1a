"""What is known of a dataset before it is downloaded, and whether what is given fits it."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from stages.artifacts import field
from stages.artifacts.field import Annotated
from stages.artifacts.people import Judgement, People
from stages.artifacts.timeline import Timeline
from stages.errors import UserError
from stages.sources import field_h5, mrhisum, pooled, published, score_files, shots
from stages.sources import given as givens
from stages.sources.fetch import Remote, fetched
from stages.sources.settings import (
    Captions,
    Download,
    Embeddings,
    Given,
    Scores,
    SumMeDownload,
    TVSumDownload,
)


def annotated(name: str, download: Download, work: Path, videos: bool) -> Annotated | None:
    """Timeline and people, where annotations at hand say them already; see `published.at_hand` and
    `mrhisum.at_hand`.
    """
    if download.kind == "mrhisum":
        return mrhisum.at_hand(name, download, work, videos)
    return None if download.kind == "demo" else published.at_hand(name, download, work, videos)


def of_files(name: str, download: Download, place: Path, work: Path) -> Annotated:
    """Timeline and people from annotation files at `place`, in place of the recipe's: an h5 of the
    field's schema, or a benchmark's own; see `published.of_files`.

    Raises UserError where there is nothing, or it is not the dataset's.
    """
    if not place.exists():
        raise UserError(f"{place}: no such file or folder of what people said")
    if download.kind == "mrhisum":
        return mrhisum.of_file(name, download, place, work)
    if place.suffix.lower() not in score_files.HDF5:
        if download.kind != "demo":
            return published.of_files(name, download, place, work)
        raise UserError(f"{place} is no .h5 of the field's schema, as `llmvs export h5` writes it")
    if download.kind == "demo":
        timeline, people = field.read(place)
    else:
        timeline, people = field_h5.read(download.kind, str(place))
        if any(one.shots_S2 is None for one in timeline.videos):
            cut = tuple(shots.with_field(download.kind, timeline.videos))
            timeline = replace(timeline, videos=cut)
    return Annotated(replace(timeline, dataset=name), replace(people, dataset=name))


def absent(given: Given) -> list[str]:
    """Files that the recipe names and that are not here, each with its key in `given`."""
    places: dict[str, str] = {}
    match given:
        case Captions(source=str(source)):
            places = {"source": source}
        case Embeddings():
            places = {"query": given.query, "answer": given.answer}
        case Scores():
            places = {f"rows.{row}": place for row, place in given.rows.items()}
    return [
        f"given.{key}: there is no file {place}"
        for key, place in places.items()
        if not Path(place).expanduser().is_file()
    ]


def address(given: Given, work: Path) -> str | None:
    """Where what is given has yet to be fetched from; None where it is here, or named as a file."""
    if not isinstance(given, Captions) or given.source is not None or given.url is None:
        return None
    return None if fetched(Remote(given.url, given.sha256), work) else given.url


def check_given(given: Given, timeline: Timeline, work: Path) -> None:
    """Hold what is given against a timeline, where it is at hand; of embeddings shapes alone.

    Raises UserError as the given stage will.
    """
    if absent(given) or address(given, work):
        return
    match given:
        case Captions():
            givens.captions(given, timeline, work)
        case Embeddings():
            query, answer = Path(given.query).expanduser(), Path(given.answer).expanduser()
            pooled.check(query, answer, timeline)
        case Scores():
            score_files.rows(given.rows, timeline)


def expected(name: str, download: Download, benchmark: str | None) -> Timeline | None:
    """A benchmark's timeline, where its annotations are still to be fetched: its own, or that of
    the field's h5 that is named. None for a dataset that is none, and where something else is
    named.

    Raises UserError where the h5 does not fit the benchmark.
    """
    if not isinstance(download, SumMeDownload | TVSumDownload) or benchmark is None:
        return None
    if download.source is not None:
        return None
    known = shots.expected(download.kind, name)
    if download.h5 is None:
        return known
    unjudged = tuple(
        Judgement(one.name, np.zeros(len(one.picks_T), np.float32)) for one in known.videos
    )
    return field_h5.fits(
        download.kind, Annotated(known, People(name, False, unjudged)), download.h5
    )

"""What is known of a dataset before it is downloaded, and whether what is given fits it."""

from pathlib import Path

from stages.artifacts.field import Annotated
from stages.artifacts.timeline import Timeline
from stages.sources import given as givens
from stages.sources import pooled, published
from stages.sources.fetch import Remote, fetched
from stages.sources.settings import Captions, Download, Embeddings, Given, Scores


def annotated(name: str, download: Download, work: Path, videos: bool) -> Annotated | None:
    """Timeline and people, where annotations at hand say them already; see `published.at_hand`."""
    return None if download.kind == "demo" else published.at_hand(name, download, work, videos)


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
            givens.scores(given.rows, timeline)

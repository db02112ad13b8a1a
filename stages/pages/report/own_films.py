"""Films of one's own in the index: what was kept of each, and where its skim and page are."""

from collections.abc import Mapping
from typing import Any

from stages.artifacts.summaries import Summaries
from stages.pages.addresses import address
from stages.pages.skim.clock import clock

Json = dict[str, Any]

FOLDER = "skims"
"""Of skims and their pages, beside the index, a folder a recipe."""


def section(name: str, summaries: Summaries) -> Json:
    """A recipe's part of the index."""
    return {
        "name": name,
        "title": summaries.title,
        "length": summaries.length,
        "scored_by": summaries.scored_by,
        "captions_by": summaries.captions_by,
        "films": [
            {
                "film": film.film,
                "seconds": clock(film.seconds),
                "kept": clock(film.kept_seconds),
                "percent": f"{100 * film.kept_seconds / film.seconds:.0f} %",
                "shots": f"{film.kept_shots} of {film.shots}",
                "page": f"{FOLDER}/{name}/{address(film.page.name)}",
                "skim": film.skim and f"{FOLDER}/{name}/{address(film.skim.name)}",
                "damage": film.damage,
            }
            for film in summaries.films
        ],
    }


def sections(summaries: Mapping[str, Summaries]) -> list[Json]:
    """Of every recipe, by its name."""
    return [section(name, made) for name, made in summaries.items()]

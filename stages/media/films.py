"""Which files are meant: videos, and folders of them."""

import logging
import os
from collections.abc import Sequence
from pathlib import Path

from stages.errors import UserError
from stages.media.video import SUFFIXES

log = logging.getLogger("llmvs")

MADE = ".summary"
"""In the name of what is made of a film, which is not made a summary of again."""


def films(named: Sequence[Path]) -> list[Path]:
    """The video files named, and those in the folders named, each once, in order; but for what was
    made of others among them.

    Raises UserError for what is not there, a folder without a video, or two files that would leave
    their summaries under one name.
    """
    found: dict[Path, None] = {}
    for place in named:
        if place.is_dir():
            inside = [
                path
                for path in sorted(place.iterdir())
                if path.is_file()
                and path.suffix.lower() in SUFFIXES
                and not path.name.startswith(".")
                and not path.stem.endswith(MADE)
            ]
            if not inside:
                raise UserError(f"{place}: no video in this folder (by its files' endings)")
            found |= dict.fromkeys(inside)
        elif place.is_file():
            found[place] = None
        else:
            raise UserError(f"{place}: no such file or folder")
    stems = {path.parent / path.stem for path in found}
    for path in list(found):
        if path.stem.endswith(MADE) and path.parent / path.stem.removesuffix(MADE) in stems:
            log.warning("%s is the summary of another that is named: left out", path)
            del found[path]
    return list(found)


APART = "summarise them one at a time with --out FOLDER each, or rename one"


def said_of(film: Path) -> str:
    """A film's name without its ending, as text whatever bytes it holds."""
    return os.fsencode(film.stem).decode(errors="backslashreplace")


def beside(films: Sequence[Path], out: Path | None, remedy: str = APART) -> dict[Path, Path]:
    """Each film's stem of the files to be made: `NAME.summary` beside it, or in the folder `out`.

    Raises UserError, with the remedy, where two films share one.
    """
    stems: dict[Path, Path] = {}
    for film in films:
        stem = (out or film.parent) / f"{film.stem}{MADE}"
        if stem in stems.values():
            other = next(first for first, taken in stems.items() if taken == stem)
            raise UserError(f"{other} and {film} would both leave {stem}.*; {remedy}")
        stems[film] = stem
    return stems

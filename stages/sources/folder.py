"""Films of one's own as they are: copied, and nothing said of them."""

from pathlib import Path

from stages.errors import UserError
from stages.media import films
from stages.media.video import SUFFIXES
from stages.sources.places import copied
from stages.sources.settings import FolderDownload


def make(settings: FolderDownload, out: Path) -> None:
    """Copy the films to `out`/videos. What is in them is known once they are decoded (`sample`).

    Raises UserError where there is none, or two would leave their summaries under one name.
    """
    found = films.films([Path(settings.source).expanduser()])
    films.beside(found, out)
    for film in found:
        if film.suffix.lower() not in SUFFIXES:
            raise UserError(f"{film}: its name is to end in one of {', '.join(SUFFIXES)}")
    for film in found:
        copied(film, out / "videos" / film.name)

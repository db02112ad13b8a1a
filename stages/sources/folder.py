"""Films of one's own as they are: copied, and nothing said of them."""

import os
from pathlib import Path

from stages.errors import UserError
from stages.media import films
from stages.media.video import SUFFIXES
from stages.sources.places import copied
from stages.sources.settings import FolderDownload


def make(settings: FolderDownload, out: Path) -> None:
    """Copy the films to `out`/videos. What is in them is known once they are decoded (`sample`).

    Raises UserError where there is none, two would leave their summaries under one name, or one has
    a name that is no text or ends as summaries' do.
    """
    found = films.films([Path(settings.source).expanduser()])
    films.beside(found, out, "rename one")
    for film in found:
        if film.suffix.lower() not in SUFFIXES:
            raise UserError(f"{film}: its name is to end in one of {', '.join(SUFFIXES)}")
        if film.stem.endswith(films.MADE):
            raise UserError(
                f"{film}: a name that ends so is that of a summary, which is not summarised again; "
                "rename it"
            )
        try:
            str(film).encode()
        except UnicodeEncodeError as error:
            said = os.fsencode(film).decode(errors="backslashreplace")
            raise UserError(f"{said}: its name is not UTF-8 text; rename it") from error
    for film in found:
        copied(film, out / "videos" / film.name)

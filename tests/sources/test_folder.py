"""Films of one's own: copied, or refused while nothing is copied."""

import os
from pathlib import Path

import pytest

from stages.errors import UserError
from stages.sources import folder
from stages.sources.settings import FolderDownload


def made(source: Path, out: Path) -> list[str]:
    folder.make(FolderDownload(kind="folder", source=str(source)), out)
    return sorted(path.name for path in (out / "videos").iterdir())


def test_films_are_copied_as_they_are_called(tmp_path: Path) -> None:
    for name in ("a.mp4", "Übung.MOV", "notes.txt"):
        (tmp_path / name).write_text(name)
    assert made(tmp_path, tmp_path / "out") == ["a.mp4", "Übung.MOV"]


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ([b"x.mp4", b"x.mov"], "would both leave .*; rename one$"),
        ([b"caf\xe9.mp4"], r"caf\\xe9\.mp4: its name is not UTF-8 text; rename it"),
    ],
)
def test_names_that_cannot_be_kept_are_refused(
    tmp_path: Path, names: list[bytes], said: str
) -> None:
    films = tmp_path / "films"
    films.mkdir()
    for name in names:
        (films / os.fsdecode(name)).touch()
    with pytest.raises(UserError, match=said):
        made(films, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_is_called_a_summary_is_refused_where_it_is_named_alone(tmp_path: Path) -> None:
    film = tmp_path / "match.summary.mp4"
    film.touch()
    with pytest.raises(UserError, match=r"match\.summary\.mp4: .*rename it"):
        made(film, tmp_path / "out")

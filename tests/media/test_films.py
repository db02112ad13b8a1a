"""Which files are meant."""

from pathlib import Path

import pytest

from stages.errors import UserError
from stages.media.films import beside, films


def touched(folder: Path, *names: str) -> list[Path]:
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).touch()
    return [folder / name for name in names]


def test_a_folder_means_its_videos_whatever_their_capitals_but_not_what_was_made(
    tmp_path: Path,
) -> None:
    touched(tmp_path, "b.MP4", "a film.mov", "notes.txt", ".c.mp4", "b.summary.mp4")
    assert films([tmp_path]) == [tmp_path / "a film.mov", tmp_path / "b.MP4"]


def test_a_file_named_twice_is_meant_once(tmp_path: Path) -> None:
    (film,) = touched(tmp_path, "фильм.mkv")
    assert films([film, tmp_path, film]) == [film]


def test_a_file_is_taken_at_its_word_whatever_its_ending(tmp_path: Path) -> None:
    (film,) = touched(tmp_path, "clip.dat")
    assert films([film]) == [film]


def test_what_is_not_there_and_folders_without_a_video_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file"):
        films([tmp_path / "gone.mp4"])
    with pytest.raises(UserError, match="no video in this folder"):
        films([tmp_path])


def test_what_is_made_lies_beside_the_film_or_where_it_is_asked_for(tmp_path: Path) -> None:
    (film,) = touched(tmp_path, "holiday.mp4")
    assert beside([film], None) == {film: tmp_path / "holiday.summary"}
    assert beside([film], tmp_path / "out") == {film: tmp_path / "out" / "holiday.summary"}


def test_two_films_of_one_name_are_not_written_over_one_another(tmp_path: Path) -> None:
    one, other = touched(tmp_path / "a", "x.mp4") + touched(tmp_path / "b", "x.mov")
    assert len(beside([one, other], None)) == 2
    with pytest.raises(UserError, match="would both leave"):
        beside([one, other], tmp_path)


def test_a_summary_that_is_named_beside_its_film_is_left_out(tmp_path: Path) -> None:
    made = touched(tmp_path, "b.mp4", "b.summary.mp4", "c.summary.mp4")
    assert films(made) == [made[0], made[2]]

"""`llmvs summarise`: from files to files."""

import csv
import errno
import json
import logging
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import av
import pytest
from typer.testing import CliRunner

from stages import cli, summarising
from stages.errors import UserError
from stages.media import looking, video
from stages.skimming.film_scorer import FilmScorer
from stages.skimming.summary import Summary

ROOT = Path(__file__).parent.parent.parent


def summarise(*arguments: str | Path) -> list[Path]:
    """The files it names. Raises what it raises."""
    done = CliRunner().invoke(cli.app, ["summarise", *map(str, arguments)])
    if done.exception is not None:
        raise done.exception
    return [Path(line) for line in done.stdout.splitlines()]


@pytest.fixture
def film(film_of_scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A film in a folder of its own, and nothing kept of it yet."""
    monkeypatch.setenv("LLMVS_CACHE", str(tmp_path / "cache"))
    place = tmp_path / "my films" / "Übung 1.MP4"
    place.parent.mkdir()
    place.write_bytes(film_of_scenes.read_bytes())
    return place


def data(page: str) -> dict[str, list[dict[str, object]]]:
    (text,) = re.findall(r'<script type="application/json" id="steps">(.*?)</script>', page, re.S)
    found: dict[str, list[dict[str, object]]] = json.loads(text)
    return found


def test_a_skim_and_a_page_stand_beside_the_film(film: Path) -> None:
    made = summarise(film, "--recipe", "offline", "--length", "4s")
    assert [path.name for path in made] == ["Übung 1.summary.mp4", "Übung 1.summary.html"]
    assert {path.parent for path in made} == {film.parent}
    with av.open(str(made[0])) as skim:
        assert skim.duration / 1e6 == pytest.approx(4, abs=0.5)
    page = made[1].read_text(encoding="utf-8")
    assert page.count('class="bar') == page.count('<li id="shot-')
    assert 'src="Übung 1.summary.mp4"' in page
    assert "http://" not in page
    assert "https://" not in page
    steps = data(page)["steps"]
    assert [len(step["shots"]) for step in steps] == sorted(len(step["shots"]) for step in steps)


def test_every_list_is_of_the_same_pieces(film: Path, tmp_path: Path) -> None:
    formats = [part for name in ("csv", "json", "edl", "chapters") for part in ("--format", name)]
    out = tmp_path / "out"
    made = summarise(film, "--recipe", "offline", "--length", "40%", "--out", out, *formats)
    by_ending = {path.name.split(".summary")[1]: path.read_text("utf-8") for path in made}
    assert set(by_ending) == {".csv", ".json", ".edl", ".chapters.txt", ".html"}
    document = json.loads(by_ending[".json"])
    rows = list(csv.DictReader(by_ending[".csv"].splitlines()))
    assert [float(row["start"]) for row in rows] == [
        round(piece["start"], 3) for piece in document["kept"]
    ]
    assert document["recipe"] == "offline"
    assert len(document["scores"]) == len(document["times"])
    assert by_ending[".edl"].count("FROM CLIP NAME: Übung 1.MP4") == len(rows)
    assert by_ending[".chapters.txt"].startswith(";FFMETADATA1")


def test_another_length_chooses_no_length_of_the_slider_again(
    film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (first,) = summarise(film, "--recipe", "offline", "--length", "20%", "--format", "none")
    before = data(first.read_text(encoding="utf-8"))["steps"]
    monkeypatch.setattr(Summary, "at", None)
    (again,) = summarise(film, "--recipe", "offline", "--length", "20%", "--format", "none")
    assert data(again.read_text(encoding="utf-8"))["steps"] == before


@pytest.mark.parametrize(("long", "told"), [(1.0, True), (3600.0, False)])
def test_encoding_a_long_films_skim_names_the_quicker_ways(
    film: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    long: float,
    told: bool,
) -> None:
    monkeypatch.setattr(logging.getLogger("llmvs"), "propagate", True)
    monkeypatch.setattr(summarising, "_LONG", long)
    with caplog.at_level(logging.INFO, logger="llmvs"):
        summarise(film, "--recipe", "offline", "--length", "3s")
        assert ("--copy cuts at keyframes in seconds" in caplog.text) == told
        caplog.clear()
        summarise(film, "--recipe", "offline", "--length", "3s", "--copy")
        summarise(film, "--recipe", "offline", "--length", "3s", "--format", "csv")
        assert "--copy cuts" not in caplog.text


def test_another_length_neither_decodes_nor_looks_nor_scores_again(
    film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    summarise(film, "--recipe", "offline", "--length", "20%", "--format", "none")

    def refused(*_: object) -> None:
        raise AssertionError("done again")

    monkeypatch.setattr(video, "decode", refused)
    monkeypatch.setattr(FilmScorer, "__call__", refused)
    (page,) = summarise(film, "--recipe", "offline", "--length", "60%", "--format", "none")
    assert "60" in page.read_text(encoding="utf-8")


def test_copying_keeps_what_was_coded(film: Path) -> None:
    skim, _ = summarise(film, "--recipe", "offline", "--length", "3s", "--copy")
    assert video.count(skim) > 0


def test_without_a_skim_there_is_nothing_to_copy(film: Path) -> None:
    with pytest.raises(UserError, match="--copy: no skim is made"):
        summarise(film, "--recipe", "offline", "--format", "json", "--copy")


def test_the_page_may_fetch_the_skim_beside_it_and_nothing_else(film: Path) -> None:
    _, page = summarise(film, "--recipe", "offline", "--length", "3s")
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', page.read_text("utf-8"))
    assert policy.startswith("default-src 'none'; img-src data:; media-src 'self' file:;")
    (page,) = summarise(film, "--recipe", "offline", "--length", "3s", "--format", "none")
    assert "media-src" not in page.read_text("utf-8")


def test_without_a_network_it_says_what_to_type_before_a_frame_is_decoded(
    film: Path, hub: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.answer = (503, "", {})
    monkeypatch.setattr(video, "decode", None)
    with pytest.raises(UserError, match=r"hub cannot be reached.*\n.*--recipe offline"):
        summarise(film)
    assert [path.name for path in film.parent.iterdir()] == [film.name]


def test_a_dry_run_makes_nothing_and_says_what_would_be_fetched(film: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(cli.app, ["summarise", str(film.parent), "--dry-run"])
    assert done.exception is None
    assert "1 film, 12 seconds: 25 frames" in done.stderr
    assert "to fetch, once: Salesforce/blip-image-captioning-base, 990 MB" in done.stderr
    assert [path.name for path in film.parent.iterdir()] == [film.name]


def test_a_dry_run_says_what_is_left_out_and_goes_on(film: Path) -> None:
    film.with_name("letter.mov").write_text("Dear all,")
    done = CliRunner().invoke(cli.app, ["summarise", str(film.parent), "--dry-run"])
    assert done.exception is None
    assert "1 film, 12 seconds" in done.stderr
    assert re.search(r"left out: .*letter\.mov cannot be decoded", done.stderr)


def test_what_is_no_film_is_one_message_and_leaves_nothing(film: Path) -> None:
    letter = film.with_name("letter.mov")
    letter.write_text("Dear all,")
    with pytest.raises(UserError, match=r"letter\.mov cannot be decoded"):
        summarise(letter, "--recipe", "offline")
    assert {path.name for path in film.parent.iterdir()} == {film.name, letter.name}


def test_lists_say_when_a_copied_piece_begins(film: Path) -> None:
    arguments = ["--recipe", "offline", "--length", "3s", "--copy", "--format", "mp4"]
    skim, table, page = summarise(film, *arguments, "--format", "csv")
    rows = list(csv.DictReader(table.read_text("utf-8").splitlines()))
    with av.open(str(skim)) as made:
        lasts = made.duration / 1e6
    last = rows[-1]
    ends = float(last["begins"]) + float(last["end"]) - float(last["start"])
    assert float(rows[0]["begins"]) >= 0
    assert ends <= lasts + 0.05
    assert sum(float(row["end"]) - float(row["start"]) for row in rows) < lasts - 0.5
    assert '<p class="notes">' in page.read_text("utf-8").split("</video>")[1].split("<section")[0]


def test_a_film_that_does_not_decode_leaves_the_others_theirs(
    film: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("llmvs"), "propagate", True)
    (film.parent / "a letter.mp4").write_text("Dear all,")
    with pytest.raises(UserError, match=r"no summary of .*a letter\.mp4 \(1 of 2 films\)"):
        summarise(film.parent, "--recipe", "offline", "--format", "none")
    assert film.with_name("Übung 1.summary.html").is_file()
    assert "a letter.mp4" in caplog.text


@pytest.mark.parametrize("named", ["a file", "a folder", "a" * 240])
def test_what_cannot_be_written_is_said_before_a_frame_is_decoded(
    film: Path, monkeypatch: pytest.MonkeyPatch, named: str
) -> None:
    monkeypatch.setattr(video, "decode", None)
    if named == "a file":
        out = film.parent / "taken"
        out.touch()
        arguments: list[str | Path] = [film, "--out", out]
    elif named == "a folder":
        film.with_name("Übung 1.summary.html").mkdir()
        arguments = [film]
    else:
        arguments = [film.rename(film.with_name(f"{named}.mp4"))]
    with pytest.raises(UserError, match="cannot be written"):
        summarise(*arguments, "--recipe", "offline")


def test_a_film_that_nobody_can_decode_leaves_the_others_theirs(
    film: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("llmvs"), "propagate", True)
    unknown = film.read_bytes().replace(b"avc1", b"zzzz").replace(b"avcC", b"free")
    film.with_name("a codec.mp4").write_bytes(unknown)
    with pytest.raises(UserError, match=r"no summary of .*a codec\.mp4 \(1 of 2 films\)"):
        summarise(film.parent, "--recipe", "offline", "--format", "none")
    assert film.with_name("Übung 1.summary.html").is_file()
    assert "coded in a way that FFmpeg does not know; convert it to H.264" in caplog.text


def test_a_film_whose_summary_the_disk_refuses_leaves_the_others_theirs(
    film: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("llmvs"), "propagate", True)
    film.with_name("a large one.mp4").write_bytes(film.read_bytes())
    built = summarising.skim_page.build

    def build(found: Summary, *more: Any) -> str:
        if found.film.path.stem == "a large one":
            raise OSError(errno.EFBIG, "File too large", "a large one.summary.html")
        return built(found, *more)

    monkeypatch.setattr(summarising.skim_page, "build", build)
    with pytest.raises(UserError, match=r"no summary of .*a large one\.mp4 \(1 of 2 films\)"):
        summarise(film.parent, "--recipe", "offline", "--format", "none")
    assert film.with_name("Übung 1.summary.html").is_file()
    assert "a large one.summary.html cannot be written or read: File too large" in caplog.text


def test_what_is_kept_of_films_is_dropped_when_it_is_asked_for(film: Path, tmp_path: Path) -> None:
    summarise(film, "--recipe", "offline", "--format", "none")
    kept = list((tmp_path / "cache/films").rglob("*.npz"))
    assert kept
    for argument, left in (("--dry-run", len(kept)), ("--films", 0)):
        done = CliRunner().invoke(cli.app, ["gc", "--films", argument])
        assert done.exception is None
        assert re.search(r"(would drop|dropped) [\d.]+ MB", done.stderr)
        assert len(list((tmp_path / "cache/films").rglob("*.npz"))) == left
    assert film.with_name("Übung 1.summary.html").is_file()


def test_a_run_that_is_told_to_stop_leaves_nothing_half_made(film: Path, tmp_path: Path) -> None:
    program = (
        "import os, signal, sys\nfrom stages import cli, command\n"
        "from stages.skimming import reading\n"
        "def stopped(*_):\n    os.kill(os.getpid(), signal.SIGTERM); import time; time.sleep(60)\n"
        "reading.asking.answers = stopped\n"
        "sys.argv = ['llmvs', 'summarise', sys.argv[1], '--recipe', 'demo', '--scorer', "
        "'blip-smollm2', '--format', 'none']\ncli.main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, film],
        cwd=ROOT, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert done.returncode == 143, done.stderr
    assert "stopped. Run again to go on" in done.stderr
    assert not list((tmp_path / "cache/films").glob(".*")), "of frames laid out"
    assert [path.name for path in film.parent.iterdir()] == [film.name]


def test_a_film_that_goes_away_meanwhile_leaves_the_others_theirs(
    film: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("llmvs"), "propagate", True)
    gone = film.with_name("a moved film.mp4")
    gone.write_bytes(film.read_bytes())
    looked = looking.content_hash

    def moved(path: Path) -> str:
        gone.unlink(missing_ok=True)
        return looked(path)

    monkeypatch.setattr(looking, "content_hash", moved)
    with pytest.raises(UserError, match=r"no summary of .*a moved film\.mp4 \(1 of 2 films\)"):
        summarise(film.parent, "--recipe", "offline", "--format", "none")
    assert film.with_name("Übung 1.summary.html").is_file()
    assert "a moved film.mp4 cannot be read (No such file or directory)" in caplog.text


def test_a_film_whose_name_is_no_text_has_its_summary(film: Path) -> None:
    odd = film.rename(film.parent / os.fsdecode(b"caf\xe9.mp4"))
    done = subprocess.run(
        [sys.executable, "-m", "stages.cli", "summarise", odd, "--recipe", "offline"],
        env={**os.environ, "PYTHONIOENCODING": "utf-8:strict"}, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    names = [Path(os.fsdecode(line)).name for line in done.stdout.splitlines()]
    assert names == [os.fsdecode(b"caf\xe9.summary.mp4"), os.fsdecode(b"caf\xe9.summary.html")]

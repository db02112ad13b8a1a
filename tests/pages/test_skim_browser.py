"""A film's page in a real browser: the skim plays, the slider, shots and keys do what they say."""

from pathlib import Path
from typing import Any

import pytest
from browser import needs_browser, seen

from stages.skimming import settings
from stages.summaries.pieces import Wish
from stages.summarising import Making, Wanted

pytestmark = needs_browser


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, film_of_scenes: Path) -> Path:
    """The folder of a page and its skim, under a name that an address has to spell out."""
    folder = tmp_path_factory.mktemp("skims")
    film = folder / "100% #1 – Übung?.mp4"
    film.write_bytes(film_of_scenes.read_bytes())
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("LLMVS_CACHE", str(folder / "cache"))
        making = Making(settings.of("offline"), Wish.parsed("4s"), None, Wanted({"mp4"}))
        list(making(film, folder / "100% #1 – Übung?.summary"))
    return folder


def watched(folder: Path, width: int = 1100) -> Any:
    page = (folder / "100% #1 – Übung?.summary.html").read_text(encoding="utf-8")
    return seen(page, folder, "skim_reader.js", width=width)


@pytest.mark.parametrize("width", [1100, 360])
def test_it_asks_for_the_skim_alone_which_plays(made: Path, width: int) -> None:
    saw = watched(made, width)
    assert saw["errors"] == []
    assert saw["video"]["wrong"] is None
    assert saw["video"]["lasts"] == pytest.approx(4, abs=0.5)
    assert all("summary.mp4" in name for name in saw["requests"])
    assert saw["pictures"]
    assert saw["overflow"] == 0
    assert saw["gap"] > 20


def test_the_slider_shows_what_another_length_would_keep(made: Path) -> None:
    saw = watched(made)
    kept, longest = saw["steps"][saw["made"]], saw["steps"][-1]
    assert len(kept) < len(longest)
    assert saw["first"]["bars"] == saw["first"]["cards"] == saw["first"]["shown"] == kept
    assert saw["longest"]["bars"] == saw["longest"]["cards"] == saw["longest"]["shown"] == longest
    assert saw["first"]["said"] != saw["longest"]["said"]
    assert saw["back"] == kept
    assert (saw["key"], saw["plain"]) == ("inline", "none")


def test_a_shot_that_was_left_out_opens_with_its_neighbours_and_closes(made: Path) -> None:
    saw = watched(made)
    kept = saw["steps"][saw["made"]]
    assert saw["left"] not in kept
    assert saw["opened"]["here"] == saw["left"]
    assert saw["opened"]["focused"] == str(saw["left"])
    assert {saw["left"], *kept} <= set(saw["opened"]["shown"])
    assert saw["closed"] == kept
    assert saw["left_to"] == saw["left"], "the focus is with the shot's bar, not lost"
    assert (saw["expanded"], saw["collapsed"]) == ("true", "false")


def test_arrows_go_from_shot_to_shot_and_stop_at_the_first(made: Path) -> None:
    saw = watched(made)
    assert (saw["next"], saw["before"]) == (1, 0)
    assert saw["stops"] == [1], "one stop of the Tab key, where one was last"

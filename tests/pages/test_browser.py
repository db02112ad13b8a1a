"""The page in a real browser: no error, no request, captions under pointer, finger and keys."""

from pathlib import Path
from typing import Any

import pytest
from browser import needs_browser
from browser import seen as played

pytestmark = needs_browser


def seen(page: str, folder: Path, fragment: str = "", width: int = 1280) -> Any:
    return played(page, folder, "reader.js", fragment, width)


def test_captions_follow_pointer_finger_and_keys(
    video_pages: dict[str, str], tmp_path: Path
) -> None:
    saw = seen(video_pages["video_2"], tmp_path)
    assert saw["errors"] == []
    assert saw["requests"] == []
    assert saw["video"] == "video_2"
    assert saw["hovered"] == "Frame 3 of video 2."  # 0.3 of twelve frames
    assert saw["reply"].startswith("score: ")
    assert saw["next"] == "Frame 4 of video 2."
    assert saw["end"] == "Frame 11 of video 2."
    assert (saw["home"], saw["now"]) == ("Frame 0 of video 2.", "0")
    assert saw["touched"] == "Frame 11 of video 2."


def test_rows_are_ticked_and_keys_turn_to_the_next_video(
    video_pages: dict[str, str], tmp_path: Path
) -> None:
    saw = seen(video_pages["video_2"], tmp_path)
    assert saw["shown"] == 1
    assert (saw["mlp"], saw["mlpTicked"]) == (False, True)
    assert (saw["previous"], saw["turned"]) == ("video_1.html", "video_3.html")
    last = seen(video_pages["video_5"], tmp_path)
    assert last["turned"] is None
    assert last["errors"] == []


def test_a_link_opens_at_its_moment_and_a_narrow_page_does_not_overflow(
    video_pages: dict[str, str], tmp_path: Path
) -> None:
    saw = seen(video_pages["video_4"], tmp_path, "#@7", width=360)
    assert saw["opened"] == "Frame 7 of video 4."
    assert saw["overflow"] == 0
    assert saw["again"] == saw["opened"], "the same link, once the page has gone elsewhere"


@pytest.mark.parametrize("width", [1280, 360])
def test_the_index_shows_one_video_and_asks_for_nothing(
    page: str, tmp_path: Path, width: int
) -> None:
    saw = seen(page, tmp_path, width=width)
    assert saw["errors"] == []
    assert saw["requests"] == []
    assert saw["shown"] == 1
    assert saw["hovered"].startswith("Frame 3 of ")
    assert saw["overflow"] == 0

"""The page in a real browser: no error, no request, captions under pointer, finger and keys."""

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)

pytestmark = pytest.mark.skipif(not BROWSER, reason="no Chromium on this machine")

# In place before the page's own script runs.
LISTEN = """<script>
window.seen = {errors: []};
addEventListener("error", (event) => seen.errors.push(String(event.message)));
addEventListener("securitypolicyviolation", (event) => seen.errors.push(event.blockedURI));
for (const kind of ["error", "warn"]) console[kind] = (...said) => seen.errors.push(said.join(" "));
</script>"""
PLAY = (Path(__file__).parent / "reader.js").read_text(encoding="utf-8")


def seen(page: str, folder: Path, fragment: str = "", width: int = 1280) -> Any:
    """What a reader of the page at this address sees, as PLAY noted it."""
    # The policy of the page forbids nothing that is inline, so the player may run.
    played = page.replace("<title>", LISTEN + "<title>", 1).replace(
        "</body>", f"<script>{PLAY}</script></body>"
    )
    path = folder / "played.html"
    path.write_text(played, encoding="utf-8")
    command = [
        BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        f"--user-data-dir={folder / 'profile'}", f"--window-size={width},2000",
        "--virtual-time-budget=4000", "--dump-dom", f"{path.as_uri()}{fragment}",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    title = re.search(r"<title>seen (.*?)</title>", done.stdout, re.DOTALL)
    assert title, done.stderr
    return json.loads(html.unescape(title[1]))


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
    saw = seen(video_pages["video_4"], tmp_path, "#@7", width=500)
    assert saw["opened"] == "Frame 7 of video 4."
    assert saw["overflow"] <= 0


@pytest.mark.parametrize("width", [1280, 500])
def test_the_index_shows_one_video_and_asks_for_nothing(
    page: str, tmp_path: Path, width: int
) -> None:
    saw = seen(page, tmp_path, width=width)
    assert saw["errors"] == []
    assert saw["requests"] == []
    assert saw["shown"] == 1
    assert saw["hovered"].startswith("Frame 3 of ")
    assert saw["overflow"] <= 0

"""A page in a real browser, with a reader who plays with it and notes what was seen."""

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

needs_browser = pytest.mark.skipif(not BROWSER, reason="no Chromium on this machine")

# In place before the page's own script runs.
LISTEN = """<script>
window.seen = {errors: []};
addEventListener("error", (event) => seen.errors.push(String(event.message)));
addEventListener("securitypolicyviolation", (event) => seen.errors.push(event.blockedURI));
for (const kind of ["error", "warn"]) console[kind] = (...said) => seen.errors.push(said.join(" "));
// Of the page in its frame, whose width a scrollbar takes from.
seen.over = () => document.documentElement.scrollWidth - document.documentElement.clientWidth;
seen.tell = () => parent.postMessage(JSON.stringify(seen), "*");
</script>"""

# A window is never less wide than 500; a frame in it may be.
FRAME = """<!doctype html><title>unseen</title><style>body { margin: 0 }</style>
<iframe src="%s" style="border: 0; width: %dpx; height: 1900px"></iframe>
<script>
addEventListener("message", (event) => { document.title = "seen " + event.data; });
document.querySelector("iframe").focus();
</script>"""


def seen(page: str, folder: Path, play: str, fragment: str = "", width: int = 1280) -> Any:
    """What a reader of the page at this address sees, as `play`, a file beside this, noted it.

    width: of the page, in pixels.
    """
    # The policy of the page forbids nothing that is inline, so the player may run.
    script = (Path(__file__).parent / play).read_text(encoding="utf-8")
    played = page.replace("<title>", LISTEN + "<title>", 1).replace(
        "</body>", f"<script>{script}</script></body>"
    )
    path = folder / "played.html"
    path.write_text(played, encoding="utf-8")
    framed = folder / "framed.html"
    framed.write_text(FRAME % (f"{path.name}{fragment}", width), encoding="utf-8")
    command = [
        BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        f"--user-data-dir={folder / 'profile'}", "--window-size=1400,2000",
        "--virtual-time-budget=4000", "--dump-dom", framed.as_uri(),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    title = re.search(r"<title>seen (.*?)</title>", done.stdout, re.DOTALL)
    assert title, done.stderr
    return json.loads(html.unescape(title[1]))

"""The comparison in a real browser: its policy refuses nothing, it fits a phone."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from contests import FALLEN

from stages.pages.comparison import comparison_page, contestants

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)

pytestmark = pytest.mark.skipif(not BROWSER, reason="no Chromium on this machine")

POLICY = "style-src 'unsafe-inline'"
LISTEN = """<script>
window.refused = [];
addEventListener("securitypolicyviolation", (event) => refused.push(event.blockedURI));
addEventListener("load", () => setTimeout(() => {
  const wide = document.documentElement.scrollWidth - innerWidth;
  const still = document.querySelector(".frames .still");
  const drawn = still && getComputedStyle(still).backgroundImage.startsWith("url(\\"data:image/");
  const focused = [...document.querySelectorAll("[tabindex='0'], a[href]")].length;
  document.title = `seen ${refused.length} ${wide} ${drawn} ${focused > 0}`;
}, 100));
</script>"""


@pytest.mark.parametrize("width", [500, 1280])
def test_it_is_whole_at_the_width_of_a_phone_and_of_a_desk(
    contest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.chdir(contest)
    sides = contestants.read(["workspace", "fallen"], "demo", "llmvs")
    made = comparison_page.build(sides, "demo")
    assert POLICY in made
    assert FALLEN in made
    path = tmp_path / "page.html"
    # The page has no script of its own; the listener is let in beside it.
    allowed = made.replace(POLICY, f"{POLICY}; script-src 'unsafe-inline'")
    path.write_text(allowed.replace("<title>", LISTEN + "<title>", 1), encoding="utf-8")
    command = [
        BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
        "--disable-background-networking", f"--user-data-dir={tmp_path / 'profile'}",
        f"--window-size={width},2000", "--virtual-time-budget=3000", "--dump-dom", path.as_uri(),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    seen = re.search(r"<title>seen (\d+) (-?\d+) (\w+) (\w+)</title>", done.stdout)
    assert seen, done.stderr
    assert seen[1] == "0"
    assert int(seen[2]) <= 0
    assert (seen[3], seen[4]) == ("true", "true")

"""The comparison in a real browser: its policy refuses nothing, it fits a phone."""

from pathlib import Path

import pytest
from browser import needs_browser, seen
from contests import FALLEN

from stages.pages.comparison import comparison_page, contestants

pytestmark = needs_browser

POLICY = "style-src 'unsafe-inline'"


@pytest.mark.parametrize("width", [360, 1280])
def test_it_is_whole_at_the_width_of_a_phone_and_of_a_desk(
    contest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.chdir(contest)
    sides = contestants.read(["workspace", "fallen"], "demo", "llmvs")
    made = comparison_page.build(sides, "demo")
    assert POLICY in made
    assert FALLEN in made
    # The page has no script of its own; the reader is let in beside it.
    allowed = made.replace(POLICY, f"{POLICY}; script-src 'unsafe-inline'")
    saw = seen(allowed, tmp_path, "compare_reader.js", width=width)
    assert saw["errors"] == []
    assert saw["overflow"] == 0
    assert saw["drawn"]
    assert saw["stops"] > 0

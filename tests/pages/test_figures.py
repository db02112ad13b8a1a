import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from stages.pages.svg import inline

NAMES = ("demo-agreement.svg", "demo-learning.svg", "demo-video.svg")


@pytest.mark.parametrize("name", NAMES)
def test_a_figure_is_an_svg_that_says_its_people_are_simulated(built: Path, name: str) -> None:
    svg = (built / "reports/figures" / name).read_text(encoding="utf-8")
    assert ElementTree.fromstring(svg).tag.endswith("svg")
    assert "Simulated annotations" in svg


def test_the_dot_plot_names_both_protocols_and_what_is_optimistic(built: Path) -> None:
    svg = (built / "reports/figures/demo-agreement.svg").read_text(encoding="utf-8")
    assert "protocol strict: 5 videos" in svg
    assert "protocol official, optimistic: 4 videos" in svg
    learning = (built / "reports/figures/demo-learning.svg").read_text(encoding="utf-8")
    assert "protocol strict" in learning


@pytest.mark.parametrize("name", NAMES)
def test_a_figure_carries_no_date_and_fetches_nothing(built: Path, name: str) -> None:
    svg = (built / "reports/figures" / name).read_text(encoding="utf-8")
    assert "dc:date" not in svg
    for target in re.findall(r'href="([^"]*)"', svg):
        assert target.startswith(("#", "data:image/jpeg"))


def test_a_figure_set_into_the_page_follows_its_colours_and_is_named() -> None:
    svg = '<?xml version="1.0"?>\n<svg width="9pt" viewBox="0 0 9 9">' + (
        '<metadata>m</metadata><g id="axes_1" style="stroke: #0a6ebd; fill: #1d2329"/></svg>'
    )
    assert inline(svg, 'a "b"') == (
        '<svg viewBox="0 0 9 9" role="img" aria-label="a &quot;b&quot;" class="figure">'
        '<g style="stroke: var(--c1); fill: currentColor"/></svg>'
    )

"""Colours and type that figures and page share.

The page names the same colours as CSS variables, so that a figure set into it follows its light,
dark and print faces.
"""

import re
from collections.abc import Sequence
from html import escape
from typing import Any

from stages.reporting.videos import PEOPLE, ZERO_SHOT

INK, MUTED, RULE = "#1d2329", "#666f78", "#d5d9dd"
PEOPLE_COLOUR, ZERO_SHOT_COLOUR = INK, "#9b4f96"
PALETTE = ("#0a6ebd", "#b37400", "#00865f", "#c8500a", "#4a5fc1", "#7a6a00")
"""Apart in lightness as well as hue, and dark enough for a thin line on white."""

KIND_COLOURS = {"model": PALETTE[0], "baseline": MUTED, "people": INK}
STYLE: Any = {
    "svg.hashsalt": "llmvs",
    "svg.fonttype": "none",  # text stays text: small, searchable, in the reader's own font
    "font.family": "sans-serif",
    "font.sans-serif": ["Helvetica Neue", "Helvetica", "Arial", "DejaVu Sans"],
    "font.size": 9,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 9,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "legend.frameon": False,
}


def colour(row: str, models: Sequence[str]) -> str:
    """The colour that stands for a row wherever it is drawn."""
    if row == PEOPLE:
        return PEOPLE_COLOUR
    if row == ZERO_SHOT:
        return ZERO_SHOT_COLOUR
    return PALETTE[list(models).index(row) % len(PALETTE)]


_VARIABLES = {INK: "currentColor", MUTED: "var(--muted)", RULE: "var(--rule)"} | {
    drawn: f"var(--c{number})" for number, drawn in enumerate(PALETTE, 1)
}


def inline(svg: str, label: str) -> str:
    """An SVG to set inside the page: the page's own colours (so that dark mode reaches it), no
    ids that could meet another figure's, as wide as its place.
    """
    body = svg[svg.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>\s*", "", body, flags=re.DOTALL)
    body = re.sub(r'<g id="[^"]*"', "<g", body)
    for drawn, variable in _VARIABLES.items():
        body = body.replace(drawn, variable)
    view = re.search(r'viewBox="[^"]*"', body)
    assert view is not None  # matplotlib always writes one
    opening = f'<svg {view[0]} role="img" aria-label="{escape(label)}" class="figure">'
    return opening + body[body.index(">") + 1 :]

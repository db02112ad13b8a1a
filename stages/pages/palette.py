"""Colours and type that figures and pages share.

The pages name the same colours as CSS variables, so that a figure set into one follows its light,
dark and print faces.
"""

from typing import Any

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
    "text.parse_math": False,  # a title with two $ is a title
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

VARIABLES = {INK: "currentColor", MUTED: "var(--muted)", RULE: "var(--rule)"} | {
    drawn: f"var(--c{number})" for number, drawn in enumerate(PALETTE, 1)
}
"""What the pages call each colour."""


def series(place: int) -> str:
    """The colour of the scorer, or of the side of a comparison, at a place from 0 on."""
    return PALETTE[place % len(PALETTE)]


def variable(place: int) -> str:
    """What the pages call the same colour."""
    return f"var(--c{place % len(PALETTE) + 1})"

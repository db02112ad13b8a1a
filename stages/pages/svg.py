"""A matplotlib figure as SVG that stands alone or is set into a page."""

import base64
import io
import re
from html import escape

import matplotlib
from markupsafe import Markup
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath
from PIL import Image

from stages.pages.palette import PALETTE, STYLE, VARIABLES

SIMULATED = "Simulated annotations: these figures say nothing about real videos."
_TITLE, _WARNING = 10.5, 8.5
"""Points."""
_MARGIN = 0.012
"""Share of a figure's width on either side of its title."""
_PNG = re.compile(r"data:image/png;base64,([A-Za-z0-9+/=\s]+)")


def drawn_as(figure: Figure, background: str = "white") -> str:
    """The figure's SVG: the same figure gives the same bytes. "none" for no background."""
    buffer = io.StringIO()
    with matplotlib.rc_context(STYLE):
        metadata = {"Date": None, "Creator": None}
        figure.savefig(buffer, format="svg", facecolor=background, metadata=metadata)
    return re.sub(r"[ \t]+$", "", buffer.getvalue(), flags=re.MULTILINE)


def titled(figure: Figure, title: str, simulated: bool, room: float) -> None:
    """A title above the axes, and below it the warning where people are simulated.

    What is too long for a line is set in several, and the figure grows by them.

    Args:
        figure: to be titled.
        title: its title.
        simulated: whether people are.
        room: inches above the axes for a line of each.
    """
    said = _wrapped(title, figure, _TITLE, "bold")
    warned = _wrapped(SIMULATED, figure, _WARNING) if simulated else []
    below = 0.10 + 0.20 + (len(said) - 1) * _line(_TITLE)
    more = below - 0.30 + max(0, len(warned) - 1) * _line(_WARNING)
    height = figure.get_figheight() + more
    figure.set_figheight(height)
    text = "\n".join(said)
    figure.text(_MARGIN, 1 - 0.10 / height, text, size=_TITLE, weight="bold", va="top")
    if simulated:
        text = "\n".join(warned)
        figure.text(_MARGIN, 1 - below / height, text, size=_WARNING, color=PALETTE[3], va="top")
    figure.set_layout_engine("constrained", rect=(0, 0, 1, 1 - (room + more) / height))


def _line(size: float) -> float:
    """Inches from one line of text to the next."""
    return 1.2 * size / 72


def _wrapped(text: str, figure: Figure, size: float, weight: str = "normal") -> list[str]:
    """Text in lines that fit a figure's width."""
    room = 72 * figure.get_figwidth() * (1 - 2 * _MARGIN)
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and width(longer, size, weight) <= room:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def width(text: str, size: float, weight: str = "normal") -> float:
    """Points that a line of text takes in the widest of the fonts a figure names, matplotlib's own:
    which of them a reader has is not known.
    """
    if not text.strip():  # which has no path
        return 0.0
    font = FontProperties(family="DejaVu Sans", weight=weight)
    return float(TextPath((0, 0), text, size=size, prop=font).get_extents().xmax)


def with_jpegs(svg: str) -> str:
    """Photographs as JPEG, a fifth of the PNG that matplotlib embeds."""

    def smaller(match: re.Match[str]) -> str:
        buffer = io.BytesIO()
        with Image.open(io.BytesIO(base64.b64decode(match[1]))) as opened:
            opened.convert("RGB").save(buffer, "JPEG", quality=75, optimize=True)
        return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"

    return _PNG.sub(smaller, svg)


def inline(svg: str, label: str) -> Markup:
    """An SVG to set inside a page: the page's own colours (so that dark mode reaches it), no
    ids that could meet another figure's, as wide as its place.
    """
    body = svg[svg.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>\s*", "", body, flags=re.DOTALL)
    body = re.sub(r'<g id="[^"]*"', "<g", body)
    for drawn, variable in VARIABLES.items():
        body = body.replace(drawn, variable)
    view = re.search(r'viewBox="[^"]*"', body)
    assert view is not None  # matplotlib always writes one
    opening = f'<svg {view[0]} role="img" aria-label="{escape(label)}" class="figure">'
    return Markup(opening + body[body.index(">") + 1 :])

"""A matplotlib figure as SVG that stands alone or is set into a page."""

import base64
import io
import re
from html import escape

import matplotlib
from markupsafe import Markup
from matplotlib.figure import Figure
from PIL import Image

from stages.pages.palette import PALETTE, STYLE, VARIABLES

SIMULATED = "Simulated annotations: these figures say nothing about real videos."
_PNG = re.compile(r"data:image/png;base64,([A-Za-z0-9+/=\s]+)")


def drawn_as(figure: Figure, background: str = "white") -> str:
    """The figure's SVG: the same figure gives the same bytes. "none" for no background."""
    buffer = io.StringIO()
    with matplotlib.rc_context(STYLE):
        metadata = {"Date": None, "Creator": None}
        figure.savefig(buffer, format="svg", facecolor=background, metadata=metadata)
    return re.sub(r"[ \t]+$", "", buffer.getvalue(), flags=re.MULTILINE)


def titled(figure: Figure, title: str, simulated: bool, room: float) -> None:
    """A title above the axes, and below it the warning where people are simulated."""
    height = figure.get_figheight()
    figure.text(0.012, 1 - 0.10 / height, title, size=10.5, weight="bold", va="top")
    if simulated:
        figure.text(0.012, 1 - 0.30 / height, SIMULATED, size=8.5, color=PALETTE[3], va="top")
    figure.set_layout_engine("constrained", rect=(0, 0, 1, 1 - room / height))


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

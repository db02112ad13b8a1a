"""The pages' templates, and what all pages carry: style, script, data, colours of rows."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from stages.metrics.printed import mark, probability, signed
from stages.pages.palette import variable
from stages.pages.thumbnails import Pictures

ROOM = Path(__file__).parent
FOLDERS = (ROOM, ROOM / "report", ROOM / "comparison", ROOM / "skim")
STYLE = "page.css"

_environment = jinja2.Environment(
    loader=jinja2.FileSystemLoader(FOLDERS, encoding="utf-8"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_environment.filters["mark"] = mark
_environment.filters["signed"] = signed
_environment.filters["p"] = probability


def rendered(template: str, pictures: Pictures, *styles: str, **context: Any) -> str:
    """A page whole. Arguments as `pieces`."""
    return "".join(pieces(template, pictures, *styles, **context))


def pieces(template: str, pictures: Pictures, *styles: str, **context: Any) -> Iterator[str]:
    """A page as it comes, in pieces. The same arguments give the same bytes.

    Args:
        template: the name of a file of the room.
        pictures: the thumbnails that the page names.
        styles: CSS beside that of every page.
    """
    return _environment.get_template(template).generate(
        css=Markup("\n".join([resource(STYLE), *styles])),
        thumbnails_css=Markup(pictures.css()),
        **context,
    )


def resource(name: str) -> str:
    """A file of the room as it is."""
    loader = _environment.loader
    assert loader is not None  # given above
    return loader.get_source(_environment, name)[0]


def scripted(document: Any) -> str:
    """A document as JSON that a page's script element can hold, whatever its texts say."""
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def coloured(slots: Iterable[str]) -> str:
    """CSS that gives the elements of each class its series' colour."""
    return "\n".join(f".{slot} {{ --row: {variable(place)}; }}" for place, slot in enumerate(slots))

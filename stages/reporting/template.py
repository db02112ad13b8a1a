"""The pages' templates, and what all pages carry: style, script, colours of rows."""

from importlib import resources
from typing import Any

import jinja2
from markupsafe import Markup

from stages.metrics.printed import mark, probability
from stages.reporting import paper
from stages.reporting.palette import PALETTE
from stages.reporting.thumbnails import Pictures
from stages.reporting.videos import ZERO_SHOT

INDEX, VIDEO, MACROS = "page.html", "video.html", "macros.html"
STYLE, SCRIPT = "page.css", "page.js"


def rendered(template: str, models: int, pictures: Pictures, **context: Any) -> str:
    """A page. The same arguments give the same bytes.

    Args:
        template: INDEX or VIDEO.
        models: how many rows of models are drawn at most.
        pictures: the thumbnails that the page names.
    """
    environment = jinja2.Environment(
        loader=jinja2.DictLoader({name: _resource(name) for name in (INDEX, VIDEO, MACROS)}),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["mark"] = mark
    environment.filters["p"] = probability
    page: str = environment.get_template(template).render(
        paper=paper,
        css=Markup(_resource(STYLE) + _row_css(models)),
        thumbnails_css=Markup(pictures.css()),
        js=Markup(_resource(SCRIPT)),
        **context,
    )
    return page


def _resource(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _row_css(models: int) -> str:
    """Colour of each model's row, and that an unticked row is not drawn."""
    slots = [f"s-{number}" for number in range(1, models + 1)]
    coloured = [
        f".{slot} {{ --row: var(--c{index % len(PALETTE) + 1}); }}"
        for index, slot in enumerate(slots)
    ]
    hidden = [
        f'.explorer:has([data-row="{slot}"]:not(:checked)) .video .{slot} {{ display: none; }}'
        for slot in (*slots, "s-people", f"s-{ZERO_SHOT}")
    ]
    return "\n".join([*coloured, *hidden])

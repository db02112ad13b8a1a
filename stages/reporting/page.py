"""The page: one file that opens without a network.

Shapes: T sampled frames.
"""

from collections.abc import Sequence
from importlib import resources
from typing import Any

import jinja2
import numpy as np
from markupsafe import Markup

from stages.reporting import articles, figures, lanes, paper, provenance, tables
from stages.reporting.chapters import Chapter
from stages.reporting.legend import Legend
from stages.reporting.palette import PALETTE, inline
from stages.reporting.scale import Scale, mark
from stages.reporting.thumbnails import Pictures
from stages.reporting.videos import ZERO_SHOT

Json = dict[str, Any]


def build(chapters: Sequence[Chapter]) -> str:
    """The page's HTML. The same chapters give the same bytes."""
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["mark"] = mark
    pictures = Pictures()
    sections = [_section(chapter, pictures) for chapter in chapters]
    rows = max(len(chapter.models) for chapter in chapters)
    page: str = environment.from_string(_resource("page.html")).render(
        sections=sections,
        paper=paper,
        versions=provenance.versions(),
        css=Markup(_resource("page.css") + _row_css(rows)),
        thumbnails_css=Markup(pictures.css()),
        js=Markup(_resource("page.js")),
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


def _section(chapter: Chapter, pictures: Pictures) -> Json:
    measured, recipe, videos = chapter.measured, chapter.recipe, chapter.videos
    results, legend = measured.results, Legend(chapter.models)
    shown_tables, benchmarks, scale = tables.tables(results, recipe.train, legend)
    shown = [
        articles.article(video, measured, legend, pictures, video is chapter.typical)
        for video in videos
    ]
    video_scale = Scale.over(dot["mean"] for video in shown for dot in video["dots"])
    return {
        "name": chapter.name,
        "recipe": recipe,
        "results": results,
        "tables": shown_tables,
        "headline": results.headline.name,
        "frames": f"{sum(len(video.picks_T) for video in videos):,}".replace(",", " "),
        "minutes": _duration(sum(video.seconds for video in videos)),
        "users": _range([video.users for video in videos]),
        "benchmarks": benchmarks,
        "benchmark": paper.benchmark(results.dataset),
        "scale": scale,
        "scale_ticks": _ticks(scale),
        "percent": f"{100 * results.confidence:g} %",
        "seeds": _count(len(recipe.train.seeds), "seed"),
        "learning": _learning(chapter),
        "runs": max((len(curve.train_RE) for curve in measured.curves), default=0),
        "videos": shown,
        "video_scale": video_scale,
        "video_ticks": _ticks(video_scale),
        "first_title": next(iter(chapter.models.values())),
        "legend": legend.items(),
        "curves_note": _curves_note(chapter),
        "budget": f"{100 * recipe.evaluate.budget:g} %",
        "data": Markup(articles.data(videos, legend, pictures)),
        "params": provenance.recipe_parts(recipe),
        "files": chapter.files,
    }


def _curves_note(chapter: Chapter) -> str:
    users = _range([video.users for video in chapter.videos])
    if any(video.people_UT is not None for video in chapter.videos):
        people = (
            f"People: mean of {users}, their own scale put on 0 to 1; band: one standard deviation."
        )
    else:
        people = f"People: share of {users} whose summary shows the frame."
    seeds = _count(len(chapter.recipe.train.seeds), "seed")
    if any(len(video.thumbnails.images) < len(video.picks_T) for video in chapter.videos):
        people += " Long videos: pictures of some sampled frames only."
    return (
        f"{people} Models: mean of {seeds}, each video scored only by models that did not train "
        "on it. LLM’s own score: read from its reply; a gap where the reply holds none."
    )


def _learning(chapter: Chapter) -> list[Markup]:
    return [
        Markup(
            inline(
                figures.learning(
                    [curve],
                    [chapter.models.get(curve.model, curve.model)],
                    guess=chapter.guess,
                    top=figures.highest(chapter.measured.curves, chapter.guess),
                ),
                f"Learning curves of {chapter.models.get(curve.model, curve.model)}",
            )
        )
        for curve in chapter.measured.curves
    ]


def _ticks(scale: Scale) -> Markup:
    drawn = (
        f'<b style="left:{scale.at(tick)}%">{mark(tick)[:-2]}</b>'
        if tick
        else f'<b class="nought" style="left:{scale.at(0)}%">0</b>'
        for tick in scale.ticks()
    )
    return Markup(f'<span class="ticks">{"".join(drawn)}</span>')


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")


def _range(numbers: Sequence[int]) -> str:
    low, high = int(np.min(numbers)), int(np.max(numbers))
    return str(low) if low == high else f"{low} to {high}"


def _duration(seconds: float) -> str:
    return f"{seconds / 60:.0f} minutes" if seconds >= 120 else lanes.clock(seconds)

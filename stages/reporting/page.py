"""The index: one page that opens without a network, and leads to every video's own."""

from collections.abc import Iterable, Sequence
from typing import Any

from markupsafe import Markup

from stages.metrics.printed import mark
from stages.reporting import (
    articles,
    calibration,
    figures,
    folds,
    lanes,
    moments,
    paper,
    provenance,
    tables,
    template,
)
from stages.reporting.chapters import Chapter
from stages.reporting.legend import Legend
from stages.reporting.palette import inline
from stages.reporting.scale import Scale
from stages.reporting.thumbnails import Pictures
from stages.reporting.wording import counted, keeps, people_and_models, ranged

Json = dict[str, Any]
MOMENTS = 12


def build(chapters: Sequence[Chapter]) -> str:
    """The page's HTML. The same chapters give the same bytes."""
    pictures = Pictures()
    sections = [_section(chapter, pictures) for chapter in chapters]
    return template.rendered(
        template.INDEX,
        max(len(chapter.models) for chapter in chapters),
        pictures,
        sections=sections,
        versions=provenance.versions(),
    )


def _section(chapter: Chapter, pictures: Pictures) -> Json:
    measured, recipe, videos = chapter.measured, chapter.recipe, chapter.videos
    results, legend = measured.results, Legend(chapter.models)
    shown_tables, benchmarks, scale = tables.tables(results, recipe.train, legend)
    listed = [articles.entry(video, measured, legend, chapter.href(video)) for video in videos]
    video_scale = Scale.over(dot["mean"] for video in listed for dot in video["dots"])
    return {
        "name": chapter.name,
        "recipe": recipe,
        "results": results,
        "tables": shown_tables,
        "headline": results.headline.name,
        "frames": f"{sum(len(video.picks_T) for video in videos):,}".replace(",", " "),
        "minutes": _duration(sum(video.seconds for video in videos)),
        "users": ranged(video.users for video in videos),
        "benchmarks": benchmarks,
        "benchmark": paper.benchmark(results.dataset),
        "scale": scale,
        "scale_ticks": _ticks(scale),
        "percent": f"{100 * results.confidence:g} %",
        "seeds": counted(len(recipe.train.seeds), "seed"),
        "learning": _learning(chapter),
        "runs": max((len(curve.train_RE) for curve in measured.curves), default=0),
        "folds": _folds(chapter),
        "calibration": _calibration(chapter),
        "moments": list(_moments(chapter, legend, pictures)),
        "attention": _attention(chapter),
        "videos": listed,
        "typical": articles.article(chapter.typical, measured, legend, pictures),
        "video_scale": video_scale,
        "video_ticks": _ticks(video_scale),
        "first_title": chapter.first_title,
        "legend": legend.items(),
        "curves_note": people_and_models(videos, len(recipe.train.seeds)),
        "budget": f"{100 * recipe.evaluate.budget:g} %",
        "data": Markup(articles.data(chapter.typical, legend, pictures)),
        "params": provenance.recipe_parts(recipe),
        "files": chapter.files,
        "records": chapter.records,
    }


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


def _folds(chapter: Chapter) -> Markup | None:
    if not chapter.runs:
        return None
    names = dict.fromkeys(run.protocol for run in chapter.runs)
    rules = {name: keeps(name, chapter.recipe.train) for name in names}
    top = figures.highest(chapter.measured.curves, chapter.guess)
    drawn = folds.figure(chapter.runs, rules, guess=chapter.guess, top=top, heading=None)
    return Markup(inline(drawn, f"Learning curves of {chapter.first_title}, split by split"))


def _calibration(chapter: Chapter) -> Markup | None:
    model_F, people_F = calibration.pairs(chapter.videos, chapter.first)
    if not len(model_F):
        return None
    drawn = calibration.figure(model_F, people_F, chapter.first_title, heading=None)
    return Markup(inline(drawn, f"Scores of {chapter.first_title} against people’s"))


def _attention(chapter: Chapter) -> Json | None:
    found = chapter.attention
    if found is None:
        return None
    shares = [
        {
            "layer": share.layer,
            "head": share.head,
            "local": share.local,
            "uniform": found.uniform,
            "times": f"{share.local / found.uniform:.2f}",
        }
        for share in found.shares
    ]
    return {"reach": found.reach, "shares": shares}


def _moments(chapter: Chapter, legend: Legend, pictures: Pictures) -> Iterable[Json]:
    videos = {video.name: video for video in chapter.videos}
    for moment in moments.of_all(chapter.videos, chapter.first, MOMENTS):
        video = videos[moment.video]
        yield articles.moment(video, moment, legend, pictures, chapter.href(video))


def _ticks(scale: Scale) -> Markup:
    drawn = (
        f'<b style="left:{scale.at(tick)}%">{mark(tick)[:-2]}</b>'
        if tick
        else f'<b class="nought" style="left:{scale.at(0)}%">0</b>'
        for tick in scale.ticks()
    )
    return Markup(f'<span class="ticks">{"".join(drawn)}</span>')


def _duration(seconds: float) -> str:
    return f"{seconds / 60:.0f} minutes" if seconds >= 120 else lanes.clock(seconds)

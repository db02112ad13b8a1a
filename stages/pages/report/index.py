"""The index: one page that opens without a network, and leads to every video's own."""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from types import MappingProxyType
from typing import Any

from markupsafe import Markup

from stages import rows
from stages.artifacts.summaries import Summaries
from stages.metrics import choosing_table, highlights_table
from stages.metrics.figures import reference
from stages.metrics.printed import mark
from stages.pages import paths, templates
from stages.pages.report import (
    calibration,
    folds,
    kinds,
    learning,
    moments,
    own_films,
    provenance,
    shot_lengths,
    tables,
    video_data,
    views,
)
from stages.pages.report.chapters import Chapter
from stages.pages.report.legend import Legend
from stages.pages.report.scale import Scale
from stages.pages.report.wording import averaged, counted, keeps, people_and_scorers, ranged, shots
from stages.pages.svg import inline
from stages.pages.thumbnails import Pictures

Json = dict[str, Any]
TEMPLATES = ("index.html", "macros.html")
SCRIPT = "page.js"
MOMENTS = 12
NO_FILMS: Mapping[str, Summaries] = MappingProxyType({})


def build(chapters: Sequence[Chapter], films: Mapping[str, Summaries] = NO_FILMS) -> Iterator[str]:
    """The page's HTML, in pieces. The same chapters and films give the same bytes.

    films: one's own, by recipe.
    """
    pictures = Pictures()
    sections = [_section(chapter, pictures) for chapter in chapters]
    legends = [chapter.legend for chapter in chapters]
    return templates.pieces(
        TEMPLATES[0],
        pictures,
        *styles(legends),
        paper={
            "citation": rows.CITATION,
            "address": rows.ADDRESS,
            "published": rows.PUBLISHED,
        },
        js=Markup(templates.resource(SCRIPT)),
        sections=sections,
        films=own_films.sections(films),
        versions=provenance.versions(),
    )


def styles(legends: Sequence[Legend]) -> list[str]:
    """CSS of the rows that a page draws: each one's colour, and that an unticked one is hidden."""
    if not legends:
        return []
    widest = max(legends, key=lambda legend: len(legend.scorers))
    hidden = dict.fromkeys(line for each in legends for line in each.css().splitlines())
    return [templates.coloured(map(widest.slot, widest.scorers)), "\n".join(hidden)]


def _section(chapter: Chapter, pictures: Pictures) -> Json:
    """A dataset's part of the page. What it has not is None, or empty, and is left out."""
    return {
        "name": chapter.name,
        "recipe": chapter.recipe,
        "results": chapter.results,
        "benchmark": chapter.results.benchmark,
        "headline": chapter.results.headline,
        "first_title": chapter.legend.first_title,
        "reference": chapter.results.rows[reference(chapter.results.rows)].title,
        "averaged": averaged(chapter.recipe.evaluate),
        **_facts(chapter),
        **_tables(chapter),
        "shot_lengths": _shot_lengths(chapter),
        "choosing": {
            "title": choosing_table.TITLE,
            "steps": list(choosing_table.steps(chapter.results)),
            "said": choosing_table.said(chapter.results),
        },
        "kinds": _kinds(chapter),
        "learning": _learning(chapter),
        "own_losses": [
            chapter.legend.title(curve.model) for curve in chapter.curves if not curve.squared
        ],
        "runs": max((len(curve.train_RE) for curve in chapter.curves), default=0),
        "folds": _folds(chapter),
        "calibration": _calibration(chapter),
        "moments": list(_moments(chapter, pictures)),
        "attention": _attention(chapter),
        **_videos(chapter, pictures),
        "params": provenance.recipe_parts(chapter.recipe),
        "files": chapter.results.files,
        "records": chapter.records,
    }


def _facts(chapter: Chapter) -> Json:
    train = chapter.recipe.train
    told = [(len(s.video.picks_T), s.video.seconds, s.users) for s in chapter.stories]
    frames = sum(count for count, _, _ in told)
    return {
        "frames": f"{frames:,}",
        "minutes": _duration(sum(seconds for _, seconds, _ in told)),
        "users": ranged(users for _, _, users in told),
        "shots": shots(chapter.results.shots),
        "percent": f"{100 * chapter.results.confidence:g} %",
        "seeds": counted(len(train.seeds), "seed") if train else None,
    }


def _tables(chapter: Chapter) -> Json:
    shown, benchmarks, scale = tables.tables(chapter.results, chapter.recipe, chapter.legend)
    return {
        "tables": shown,
        "benchmarks": benchmarks,
        "above_floor": any(table.above_floor for table in shown),
        "sampled": any(table.sampled for table in shown),
        "highlights": highlights_table.SAID if any(table.highlights for table in shown) else None,
        "scale": scale,
        "scale_ticks": _ticks(scale),
    }


def _videos(chapter: Chapter, pictures: Pictures) -> Json:
    legend, marks, typical = chapter.legend, chapter.marks, chapter.typical
    shown = (views.taus(name, marks, legend) for name in chapter.names)
    scale = Scale.over(tau for taus in shown for tau in taus.values())
    return {
        "videos": _Listed(chapter),
        "typical": views.explorer(typical, marks, legend, pictures),
        "data": Markup(video_data.data(typical, legend, pictures)),
        "video_scale": scale,
        "video_ticks": _ticks(scale),
        "legend": legend.items(),
        "curves_note": people_and_scorers(chapter.stories, chapter.recipe, legend),
        "budget": f"{100 * chapter.recipe.evaluate.budget:g} %",
    }


class _Listed(Sized, Iterable[Json]):
    """A line for each video, made when the page comes to it."""

    def __init__(self, chapter: Chapter) -> None:
        self._chapter = chapter

    def __len__(self) -> int:
        return len(self._chapter.names)

    def __iter__(self) -> Iterator[Json]:
        marks, legend = self._chapter.marks, self._chapter.legend
        for story in self._chapter.stories:
            yield views.entry(story, marks, legend, self._chapter.href(story.name))


def _shot_lengths(chapter: Chapter) -> Markup | None:
    if chapter.shot_lengths is None:
        return None
    drawn = shot_lengths.figure(
        chapter.shot_lengths, chapter.legend, confidence=chapter.results.confidence, heading=None
    )
    return inline(drawn, "Shots kept by their length, and τ of each video by what people keep")


def _kinds(chapter: Chapter) -> Json | None:
    if not chapter.kinds:
        return None
    protocols = list(chapter.results.protocols)
    drawn = kinds.figure(chapter.kinds, chapter.results)
    rows_of = [
        {
            "title": each.title,
            "kind": each.kind,
            "parameters": f"{each.parameters:,}",
            "training": "–" if each.training is None else f"{each.training:.3g}",
            "scoring": "–" if each.scoring is None else f"{1000 * each.scoring:.3g}",
            "taus": [each.taus.get(name) for name in protocols],
        }
        for each in chapter.kinds
    ]
    timed = any(each.training is not None for each in chapter.kinds)
    label = "τ against the numbers that each row learnt"
    return {
        "rows": rows_of,
        "protocols": protocols,
        "figure": inline(drawn, label + (", and the seconds of a training" if timed else "")),
    }


def _learning(chapter: Chapter) -> list[Markup]:
    drawn = []
    for curve in chapter.curves:
        title = chapter.legend.title(curve.model)
        svg = learning.figure([curve], [title], guess=chapter.guess, top=chapter.top)
        drawn.append(inline(svg, f"Learning curves of {title}"))
    return drawn


def _folds(chapter: Chapter) -> Markup | None:
    train = chapter.recipe.train
    if train is None or not chapter.runs:
        return None
    names = dict.fromkeys(run.protocol for run in chapter.runs)
    rules = {name: keeps(name, train) for name in names}
    curve = chapter.curves[0]
    drawn = folds.figure(
        chapter.runs,
        rules,
        guess=chapter.guess if curve.squared else None,
        top=learning.end(curve, chapter.top),
        loss=learning.label(curve.squared),
        heading=None,
    )
    return inline(drawn, f"Learning curves of {chapter.legend.first_title}, split by split")


def _calibration(chapter: Chapter) -> Markup | None:
    title = chapter.legend.first_title
    model_F, people_F = calibration.pairs(chapter.stories, chapter.legend.first)
    if not len(model_F):
        return None
    drawn = calibration.figure(model_F, people_F, title, heading=None)
    return inline(drawn, f"Scores of {title} against people’s")


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


def _moments(chapter: Chapter, pictures: Pictures) -> Iterable[Json]:
    for moment in moments.of_all(chapter.stories, chapter.legend.first, MOMENTS):
        story = chapter.stories.by_name[moment.video]
        yield views.moment(story, moment, chapter.legend, pictures, chapter.href(story.name))


def _ticks(scale: Scale) -> Markup:
    drawn = (
        f'<b style="left:{scale.at(tick)}%">{mark(tick)[:-2]}</b>'
        if tick
        else f'<b class="nought" style="left:{scale.at(0)}%">0</b>'
        for tick in scale.ticks()
    )
    return Markup(f'<span class="ticks">{"".join(drawn)}</span>')


def _duration(seconds: float) -> str:
    return f"{seconds / 60:.0f} minutes" if seconds >= 120 else paths.clock(seconds)

"""A page for each video: everything of it, self-contained, a megabyte or so."""

from typing import Any

import numpy as np
from markupsafe import Markup

from stages.pages import templates
from stages.pages.report import moments, rater_agreement, video_data, views
from stages.pages.report.chapters import Chapter
from stages.pages.report.index import SCRIPT, styles
from stages.pages.report.legend import Legend
from stages.pages.report.wording import no_shot_fits, people_and_scorers
from stages.pages.stories import Story
from stages.pages.svg import inline
from stages.pages.thumbnails import Pictures

Json = dict[str, Any]
TEMPLATES = ("video.html", "macros.html")
INDEX = "../../index.html"
MOMENTS = 6


def build(chapter: Chapter, place: int) -> str:
    """The page of the chapter's video at `place`. The same chapter gives the same bytes."""
    story, results, legend = chapter.stories[place], chapter.results, chapter.legend
    pictures = Pictures()
    worst = moments.of_video(story, legend.first, MOMENTS)
    return templates.rendered(
        TEMPLATES[0],
        pictures,
        *styles([legend]),
        js=Markup(templates.resource(SCRIPT)),
        title=results.title,
        simulated=results.simulated,
        headline=results.headline,
        dataset=chapter.name,
        index=f"{INDEX}#{chapter.name}",
        previous=_neighbour(chapter, place - 1),
        next=_neighbour(chapter, place + 1),
        rows=legend.items(),
        video=views.explorer(story, chapter.marks, legend, pictures),
        video_users=story.users,
        no_shot_fits=no_shot_fits(story, chapter.recipe),
        curves_note=people_and_scorers([story], chapter.recipe, legend),
        data=Markup(video_data.data(story, legend, pictures)),
        first_title=legend.first_title,
        trained=chapter.recipe.train is not None,
        moments=[views.moment(story, moment, legend, pictures, "") for moment in worst],
        agreement=_agreement(story, legend),
        of_summaries=legend.of_summaries,
        attention=None if chapter.attention is None else chapter.attention.maps.get(story.name),
    )


def _neighbour(chapter: Chapter, place: int) -> Json | None:
    names = chapter.names
    if not 0 <= place < len(names):
        return None
    return {"href": f"{names[place]}.html", "label": names[place]}


def _agreement(story: Story, legend: Legend) -> Json:
    found = rater_agreement.of(story, legend)
    others = found.raters[found.users :]
    return {
        "figure": inline(rater_agreement.figure(found), "Agreement of each rater with each"),
        "others": others,
        "people": found.among_people if np.isfinite(found.among_people) else None,
        "means": [(name, found.with_people(name)) for name in others],
    }

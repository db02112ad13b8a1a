"""A page for each video: everything of it, self-contained, a megabyte or so."""

from typing import Any

import numpy as np
from markupsafe import Markup

from stages.reporting import articles, kinship, moments, template
from stages.reporting.chapters import Chapter
from stages.reporting.legend import Legend
from stages.reporting.palette import inline
from stages.reporting.thumbnails import Pictures
from stages.reporting.videos import ZERO_SHOT
from stages.reporting.wording import people_and_models

Json = dict[str, Any]
INDEX = "../../index.html"
MOMENTS = 6


def build(chapter: Chapter, place: int) -> str:
    """The page of the chapter's video at `place`. The same chapter gives the same bytes."""
    video, measured = chapter.videos[place], chapter.measured
    legend, pictures = Legend(chapter.models), Pictures()
    worst = moments.of_video(video, chapter.first, MOMENTS)
    return template.rendered(
        template.VIDEO,
        len(chapter.models),
        pictures,
        title=measured.results.title,
        simulated=measured.results.simulated,
        headline=measured.results.headline.name,
        dataset=chapter.name,
        index=f"{INDEX}#{chapter.name}",
        previous=_neighbour(chapter, place - 1),
        next=_neighbour(chapter, place + 1),
        rows=legend.items(),
        video=articles.article(video, measured, legend, pictures),
        video_users=video.users,
        curves_note=people_and_models([video], len(chapter.recipe.train.seeds)),
        data=Markup(articles.data(video, legend, pictures)),
        first_title=chapter.first_title,
        moments=[articles.moment(video, moment, legend, pictures, "") for moment in worst],
        kinship=_kinship(chapter, place),
        attention=None if chapter.attention is None else chapter.attention.maps.get(video.name),
    )


def _neighbour(chapter: Chapter, place: int) -> Json | None:
    if not 0 <= place < len(chapter.videos):
        return None
    video = chapter.videos[place]
    return {"href": f"{video.name}.html", "label": video.name}


def _kinship(chapter: Chapter, place: int) -> Json:
    found = kinship.of(
        chapter.videos[place], chapter.first, chapter.first_title, Legend({}).title(ZERO_SHOT)
    )
    others = found.raters[found.users :]
    return {
        "figure": Markup(inline(kinship.figure(found), "Agreement of each with each")),
        "others": others,
        "people": found.among_people if np.isfinite(found.among_people) else None,
        "means": [(name, found.with_people(name)) for name in others],
    }

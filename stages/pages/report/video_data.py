"""What a page's script needs of a video, as JSON inside the page."""

from collections.abc import Sequence

import numpy as np

from stages.pages import paths, templates
from stages.pages.report.legend import Legend
from stages.pages.report.views import drawn, stills_of
from stages.pages.stories import Story
from stages.pages.thumbnails import Pictures


def data(story: Story, legend: Legend, pictures: Pictures) -> str:
    """JSON that cannot end its own element. What the video has not is null."""
    video, stills = story.video, story.thumbnails
    rows = {legend.slot(row): story.scores[row] for row in drawn(story, legend)}
    captions, caption_T = _distinct(story.captions)
    replies, reply_T = _distinct(story.replies)
    document = {
        "frames": video.n_frames,
        "picks": video.picks_T.tolist(),
        "times": [round(second, 3) for second in video.times_T.tolist()],
        "shots": story.shots[:, 0].tolist(),
        "caption": caption_T,
        "reply": reply_T,
        "captions": captions,
        "replies": replies,
        "images": stills_of(story, pictures) if stills else None,
        "stills": stills.nearest(len(video.picks_T)).tolist() if stills else None,
        "rows": {
            slot: [round(v, 3) if np.isfinite(v) else None for v in scores_T.tolist()]
            for slot, scores_T in rows.items()
        },
        "stretch": {slot: paths.stretch(scores_T) for slot, scores_T in rows.items()},
    }
    return templates.scripted(document)


def _distinct(texts: Sequence[str] | None) -> tuple[list[str] | None, list[int] | None]:
    """Each text once, and which of them each frame has."""
    if texts is None:
        return None, None
    found: dict[str, int] = {}
    places = [found.setdefault(text, len(found)) for text in texts]
    return list(found), places

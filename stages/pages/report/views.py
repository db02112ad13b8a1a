"""What a page shows of one video: text, positions in percent, paths.

Shapes: T sampled frames.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from stages.artifacts.results import VideoMarks
from stages.artifacts.video import Video
from stages.metrics.printed import mark
from stages.pages import paths
from stages.pages.report.legend import Legend
from stages.pages.report.moments import Moment
from stages.pages.report.wording import SHOTS
from stages.pages.stories import PEOPLE, ZERO_SHOT, Story
from stages.pages.thumbnails import Pictures

Json = dict[str, Any]
Marks = Mapping[str, Mapping[str, VideoMarks]]
"""[row][video]"""

SPARK = 80
"""Points of a curve in the list of videos."""


def entry(story: Story, marks: Marks, legend: Legend, href: str) -> Json:
    """One video's line in the list of all."""
    of_rows = taus(story.name, marks, legend)
    return {
        "name": story.name,
        "label": story.label,
        "href": href,
        "length": paths.clock(story.video.seconds),
        "tau": of_rows.get(legend.first),
        "human": of_rows.get("human"),
        "dots": [
            {"slot": "s-people" if row == "human" else legend.slot(row), "mean": tau}
            for row, tau in of_rows.items()
        ],
        "sparks": [
            {"slot": legend.slot(row), "path": _spark(story, row)}
            for row in (PEOPLE, legend.first)
            if row in story.scores
        ],
    }


def _spark(story: Story, row: str) -> str:
    """A row's curve, each stretch of frames at its mean, on its own range."""
    parts = np.array_split(story.scores[row], min(SPARK, len(story.scores[row])))
    y = np.array([part.mean() for part in parts])
    spread = np.ptp(y)
    x = (np.arange(len(y)) + 0.5) / len(y)
    return paths.line(x, (y - y.min()) / spread if spread else np.full(len(y), 0.5))


def taus(video: str, marks: Marks, legend: Legend) -> dict[str, float]:
    """Each row's τ on a video, of the rows that are drawn of it."""
    by_row = {row: of[video] for row, of in marks.items() if video in of}
    rows = ("human", ZERO_SHOT, *legend.scorers)
    return {row: by_row[row].marks["tau"] for row in rows if row in by_row}


def explorer(story: Story, marks: Marks, legend: Legend, pictures: Pictures) -> Json:
    """One video, to be looked through frame by frame."""
    video = story.video
    x_T = paths.centres(video.picks_T, video.n_frames)
    stills = stills_of(story, pictures)
    return {
        "name": story.name,
        "label": story.label,
        "about": _about(story, taus(story.name, marks, legend), legend),
        "last": len(video.picks_T) - 1,
        "aspect": _aspect(story),
        "start": _moment(story, int(np.argmax(story.scores[PEOPLE])), legend, stills),
        "curves": [_curve(story, row, x_T, legend) for row in drawn(story, legend)],
        "share": paths.steps(story.shown_N),
        "summaries": [
            {
                "slot": legend.slot(row),
                "title": legend.title(row),
                "bars": [
                    {
                        "left": _percent(begin, video.n_frames),
                        "width": _percent(end + 1 - begin, video.n_frames),
                    }
                    for begin, end in summary.tolist()
                ],
            }
            for row, summary in story.summaries.items()
        ],
        "cells": _cells(story, stills),
        "shots": [_percent(begin, video.n_frames) for begin in story.shots[1:, 0].tolist()],
        "unit": "Seconds" if video.seconds < 60 else "Minutes",
        "ticks": _ticks(video),
    }


def drawn(story: Story, legend: Legend) -> list[str]:
    """The rows of the legend that the video has."""
    return [row for row in legend.rows if row in story.scores]


def stills_of(story: Story, pictures: Pictures) -> list[str]:
    """What the page calls each of the video's thumbnails."""
    images = story.thumbnails.images if story.thumbnails else ()
    return [pictures.name(image) for image in images]


def _aspect(story: Story) -> str | None:
    stills = story.thumbnails
    return f"{stills.size[0]} / {stills.size[1]}" if stills else None


def _still(story: Story, frame: int) -> int:
    """The thumbnail that stands for a frame of a video that has them."""
    assert story.thumbnails is not None
    return int(story.thumbnails.nearest(len(story.video.picks_T))[frame])


def moment(story: Story, wrong: Moment, legend: Legend, pictures: Pictures, href: str) -> Json:
    """A moment where the first scorer erred: both ranks, and its picture and words, if any."""
    image = None
    if story.thumbnails is not None:
        image = pictures.name(story.thumbnails.images[_still(story, wrong.frame)])
    return {
        "href": f"{href}#@{wrong.frame}",
        "label": story.label,
        "time": paths.clock(story.second(wrong.frame)),
        "image": image,
        "aspect": _aspect(story),
        "caption": story.captions[wrong.frame] if story.captions else None,
        "reply": story.replies[wrong.frame] if story.replies else None,
        "verdict": (
            f"too {'high' if wrong.gap > 0 else 'low'}: {legend.first_title} ranks it at "
            f"{100 * wrong.model:.0f} % of the way up its video, people at "
            f"{100 * wrong.people:.0f} %"
        ),
    }


def _ticks(video: Video) -> list[Json]:
    return [
        {
            "left": round(100 * video.frame_at(tick) / video.n_frames, 2),
            "label": paths.label(tick, video.seconds),
        }
        for tick in paths.ticks(video.seconds)
    ]


def _percent(frames: int, n_frames: int) -> float:
    return round(100 * frames / n_frames, 3)


def _about(story: Story, taus: Mapping[str, float], legend: Legend) -> str:
    video = story.video
    origin = "" if video.shots_from in (None, "annotations") else f" ({SHOTS[video.shots_from]})"
    parts = [
        paths.clock(video.seconds),
        f"{len(video.picks_T)} frames",
        f"{len(story.shots)} shots{origin}",
    ]
    named = {legend.first: legend.first_title, ZERO_SHOT: legend.own, "human": legend.human}
    said = [f"{title} {mark(taus[row])}" for row, title in named.items() if row in taus]
    of = "τ of summaries" if legend.of_summaries else "τ"
    return " · ".join(parts) + (f" · {of}: {', '.join(said)}" if said else "")


def _curve(story: Story, row: str, x_T: paths.Floats, legend: Legend) -> Json:
    scores_T = story.scores[row]
    spread = None
    if row == PEOPLE and story.people_UT is not None:
        sd_T = story.people_UT.std(axis=0)
        spread = paths.band(x_T, scores_T - sd_T, scores_T + sd_T)
    return {
        "slot": legend.slot(row),
        "path": paths.line(x_T, scores_T),
        "band": spread,
        "stretch": paths.stretch(scores_T),
    }


def _moment(story: Story, frame: int, legend: Legend, stills: Sequence[str]) -> Json:
    """What the inspector says of one frame, before anyone points anywhere."""
    video = story.video
    pick = int(video.picks_T[frame])
    after = int(video.picks_T[frame + 1]) if frame + 1 < len(video.picks_T) else video.n_frames
    shot = int(np.searchsorted(story.shots[:, 0], pick, side="right"))
    time = paths.clock(story.second(frame))
    return {
        "frame": frame,
        "time": time,
        "when": f"{time} · frame {pick} · shot {max(shot, 1)} of {len(story.shots)}",
        "left": _percent(pick, video.n_frames),
        "width": _percent(after - pick, video.n_frames),
        "caption": story.captions[frame] if story.captions else None,
        "reply": story.replies[frame] if story.replies else None,
        "image": stills[_still(story, frame)] if stills else None,
        "readings": [
            {
                "slot": legend.slot(row),
                "title": legend.title(row),
                "text": mark(story.scores[row][frame], 2)
                if np.isfinite(story.scores[row][frame])
                else "–",
            }
            for row in drawn(story, legend)
        ],
    }


def _cells(story: Story, stills: Sequence[str]) -> list[Json]:
    if story.thumbnails is None:
        return []
    video = story.video
    bounds = np.append(video.picks_T[story.thumbnails.frames_K], video.n_frames)
    lefts = 100 * bounds / video.n_frames
    return [
        {
            "image": still,
            # How often 2 divides the place: the page leaves low levels out where room is short.
            "level": min((index & -index).bit_length() - 1, 4) if index else 4,
            "left": round(float(lefts[index]), 3),
            "width": round(float(lefts[index + 1] - lefts[index]), 3),
        }
        for index, still in enumerate(stills)
    ]

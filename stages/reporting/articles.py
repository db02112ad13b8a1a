"""What the page shows of one video: text, positions in percent, paths.

Shapes: T sampled frames.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from stages.metrics.printed import mark
from stages.reporting import lanes
from stages.reporting.legend import Legend
from stages.reporting.measurements import Measurements
from stages.reporting.moments import Moment
from stages.reporting.thumbnails import Pictures
from stages.reporting.videos import PEOPLE, ZERO_SHOT, Video

Json = dict[str, Any]


SPARK = 80
"""Points of a curve in the list of videos."""


def entry(story: Video, measured: Measurements, legend: Legend, href: str) -> Json:
    """One video's line in the list of all."""
    taus = _taus(story, measured, legend)
    first = next(iter(legend.models))
    return {
        "name": story.name,
        "label": _label(story),
        "href": href,
        "length": lanes.clock(story.seconds),
        "tau": taus.get(first),
        "human": taus.get("human"),
        "dots": [
            {"slot": "s-people" if row == "human" else legend.slot(row), "mean": tau}
            for row, tau in taus.items()
        ],
        "sparks": [
            {"slot": legend.slot(row), "path": _spark(story, row)}
            for row in (PEOPLE, first)
            if row in story.scores
        ],
    }


def _spark(story: Video, row: str) -> str:
    """A row's curve, each stretch of frames at its mean, on its own range."""
    parts = np.array_split(story.scores[row], min(SPARK, len(story.picks_T)))
    y = np.array([part.mean() for part in parts])
    spread = np.ptp(y)
    x = (np.arange(len(y)) + 0.5) / len(y)
    return lanes.line(x, (y - y.min()) / spread if spread else np.full(len(y), 0.5))


def _label(story: Video) -> str:
    alone = story.video_name == story.name
    return story.name if alone else f"{story.name} ({story.video_name})"


def _taus(story: Video, measured: Measurements, legend: Legend) -> dict[str, float]:
    by_row = {row: of[story.name] for row, of in measured.by_video.items() if story.name in of}
    rows = ("human", ZERO_SHOT, *legend.models)
    return {row: by_row[row]["tau"] for row in rows if row in by_row}


def article(story: Video, measured: Measurements, legend: Legend, pictures: Pictures) -> Json:
    """One video's article."""
    x_T = lanes.centres(story.picks_T, story.n_frames)
    start = int(np.argmax(story.scores[PEOPLE]))
    stills = [pictures.name(image) for image in story.thumbnails.images]
    return {
        "name": story.name,
        "label": _label(story),
        "about": _about(story, _taus(story, measured, legend), legend),
        "last": len(story.picks_T) - 1,
        "aspect": _aspect(story),
        "start": _moment(story, start, legend, stills),
        "curves": [_curve(story, row, x_T, legend) for row in legend.rows if row in story.scores],
        "share": lanes.steps(story.shown_N),
        "summaries": [
            {
                "slot": legend.slot(row),
                "title": legend.title(row),
                "bars": [
                    {
                        "left": _percent(begin, story.n_frames),
                        "width": _percent(end + 1 - begin, story.n_frames),
                    }
                    for begin, end in summary.tolist()
                ],
            }
            for row, summary in story.summaries.items()
        ],
        "cells": _cells(story, stills),
        "shots": [_percent(begin, story.n_frames) for begin in story.shots_S2[1:, 0].tolist()],
        "unit": "Seconds" if story.seconds < 60 else "Minutes",
        "ticks": _ticks(story.seconds),
    }


def _aspect(story: Video) -> str:
    return f"{story.thumbnails.size[0]} / {story.thumbnails.size[1]}"


def moment(story: Video, wrong: Moment, legend: Legend, pictures: Pictures, href: str) -> Json:
    """A moment where the first model erred: its picture, words, and both ranks."""
    shown = int(story.thumbnails.nearest(len(story.picks_T))[wrong.frame])
    first = next(iter(legend.models.values()))
    return {
        "href": f"{href}#@{wrong.frame}",
        "label": _label(story),
        "time": lanes.clock(float(story.picks_T[wrong.frame]) / story.fps),
        "image": pictures.name(story.thumbnails.images[shown]),
        "aspect": _aspect(story),
        "caption": story.captions[wrong.frame],
        "reply": story.replies[wrong.frame],
        "verdict": (
            f"too {'high' if wrong.gap > 0 else 'low'}: {first} ranks it above "
            f"{100 * wrong.model:.0f} % of the video, people above {100 * wrong.people:.0f} %"
        ),
    }


def _ticks(seconds: float) -> list[Json]:
    def label(tick: int) -> str:
        return str(tick) if seconds < 60 else f"{tick // 60}:{tick % 60:02d}"

    return [
        {"left": round(100 * tick / seconds, 2), "label": label(tick)}
        for tick in lanes.ticks(seconds)
    ]


def _percent(frames: int, n_frames: int) -> float:
    return round(100 * frames / n_frames, 3)


def _about(story: Video, taus: Mapping[str, float], legend: Legend) -> str:
    first = next(iter(legend.models))
    parts = [
        lanes.clock(story.seconds),
        f"{len(story.picks_T)} frames",
        f"{len(story.shots_S2)} shots"
        + (" (own segmentation)" if story.shots_from == "kts" else ""),
    ]
    named = {first: legend.title(first), ZERO_SHOT: "LLM’s own", "human": "human"}
    said = [f"{title} {mark(taus[row])}" for row, title in named.items() if row in taus]
    return " · ".join(parts) + (f" · τ: {', '.join(said)}" if said else "")


def _curve(story: Video, row: str, x_T: lanes.Floats, legend: Legend) -> Json:
    scores_T = story.scores[row]
    spread = None
    if row == PEOPLE and story.people_UT is not None:
        sd_T = story.people_UT.std(axis=0)
        spread = lanes.band(x_T, scores_T - sd_T, scores_T + sd_T)
    return {
        "slot": legend.slot(row),
        "path": lanes.line(x_T, scores_T),
        "band": spread,
        "stretch": lanes.stretch(scores_T),
    }


def _moment(story: Video, frame: int, legend: Legend, stills: Sequence[str]) -> Json:
    """What the inspector says of one frame, before anyone points anywhere."""
    pick = int(story.picks_T[frame])
    after = int(story.picks_T[frame + 1]) if frame + 1 < len(story.picks_T) else story.n_frames
    shot = int(np.searchsorted(story.shots_S2[:, 0], pick, side="right"))
    time = lanes.clock(pick / story.fps)
    return {
        "frame": frame,
        "time": time,
        "when": f"{time} · frame {pick} · shot {max(shot, 1)} of {len(story.shots_S2)}",
        "left": _percent(pick, story.n_frames),
        "width": _percent(after - pick, story.n_frames),
        "caption": story.captions[frame],
        "reply": story.replies[frame],
        "image": stills[int(story.thumbnails.nearest(len(story.picks_T))[frame])],
        "readings": [
            {
                "slot": legend.slot(row),
                "title": legend.title(row),
                "text": mark(story.scores[row][frame])[:-1]
                if np.isfinite(story.scores[row][frame])
                else "–",
            }
            for row in legend.rows
            if row in story.scores
        ],
    }


def _cells(story: Video, stills: Sequence[str]) -> list[Json]:
    bounds = np.append(story.picks_T[story.thumbnails.frames_K], story.n_frames)
    lefts = 100 * bounds / story.n_frames
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


def data(story: Video, legend: Legend, pictures: Pictures) -> str:
    """What the script needs of a video, as JSON that cannot end its own element."""
    captions: dict[str, int] = {}
    replies: dict[str, int] = {}
    rows = {legend.slot(row): story.scores[row] for row in legend.rows if row in story.scores}
    document = {
        "fps": round(story.fps, 6),
        "frames": story.n_frames,
        "picks": story.picks_T.tolist(),
        "shots": story.shots_S2[:, 0].tolist(),
        "caption": [captions.setdefault(text, len(captions)) for text in story.captions],
        "reply": [replies.setdefault(text, len(replies)) for text in story.replies],
        "captions": list(captions),
        "replies": list(replies),
        "images": [pictures.name(image) for image in story.thumbnails.images],
        "stills": story.thumbnails.nearest(len(story.picks_T)).tolist(),
        "rows": {
            slot: [round(v, 3) if np.isfinite(v) else None for v in scores_T.tolist()]
            for slot, scores_T in rows.items()
        },
        "stretch": {slot: lanes.stretch(scores_T) for slot, scores_T in rows.items()},
    }
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text

"""The comparison as one page that opens without a network.

Shapes: T sampled frames.
"""

from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
from markupsafe import Markup

from stages.artifacts import frames
from stages.artifacts.frames import VideoFrames
from stages.comparison import drawings, summary
from stages.comparison.contestants import Contestant
from stages.comparison.movements import Movement, disagreements, farthest, movements, ranks
from stages.metrics.printed import mark
from stages.reporting import lanes
from stages.reporting.palette import PALETTE
from stages.reporting.thumbnails import Pictures, Thumbnails
from stages.reporting.videos import PEOPLE

Json = dict[str, Any]
EACH_WAY = 3


def build(sides: Sequence[Contestant], dataset: str, pictures_from: Path) -> str:
    """The page's HTML. pictures_from is the sample stage's file in the workspace; a video that it
    does not hold, or holds at other frames, is shown without pictures.
    """
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["mark"] = mark
    pictures = Pictures()
    first = sides[0]
    with frames.reading(pictures_from) as stills:
        by_name = {still.name: still for still in stills}
        others = [
            _other(first, side, number, by_name, pictures)
            for number, side in enumerate(sides[1:], 1)
        ]
    page: str = environment.from_string(_resource("compare.html")).render(
        css=Markup(
            resources.files("stages.reporting").joinpath("page.css").read_text(encoding="utf-8")
            + _resource("compare.css")
            + _colours(len(sides))
        ),
        thumbnails_css=Markup(pictures.css()),
        first=first.name,
        row=first.row,
        sides=[side.name for side in sides],
        simulated=first.simulated,
        title=first.measured.results["title"],
        protocol=first.protocol,
        settings=summary.settings(sides, dataset),
        marks=summary.SHOWN,
        standings=[
            {"title": summary.title(of),
             "sides": {name: {m: summary.parts(figure) for m, figure in of_side.items()}
                       for name, of_side in of.sides.items()}}
            for of in summary.standings(sides)
        ],
        notes=summary.notes(sides),
        learning=drawings.learning(sides),
        others=others,
    )  # fmt: skip
    return page


def _resource(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _colours(sides: int) -> str:
    return "\n".join(
        f".side-{number} {{ --row: var(--c{number % len(PALETTE) + 1}); }}"
        for number in range(sides)
    )


def _other(
    first: Contestant,
    side: Contestant,
    number: int,
    stills: dict[str, VideoFrames],
    pictures: Pictures,
) -> Json:
    moved = movements(first.taus, side.taus)
    gained = sum(movement.difference > 0 for movement in moved)
    lost = sum(movement.difference < 0 for movement in moved)
    return {
        "name": side.name,
        "slot": f"side-{number}",
        "said": f"τ rose in {gained} of {len(moved)} videos and fell in {lost}.",
        "seeds": any(movement.low is not None for movement in moved),
        "dots": drawings.moved(moved, number, first.name, side.name),
        "videos": [
            _video(first, side, number, movement, stills.get(movement.video), pictures)
            for movement in farthest(moved, EACH_WAY)
        ],
    }


def _video(
    first: Contestant,
    side: Contestant,
    number: int,
    movement: Movement,
    still: VideoFrames | None,
    pictures: Pictures,
) -> Json:
    one, other = first.stories[movement.video], side.stories[movement.video]
    ours_T, theirs_T = one.scores[first.row], other.scores[side.row]
    same = one.picks_T.tolist() == other.picks_T.tolist()
    chosen = disagreements(ours_T, theirs_T) if same else []
    x_T = lanes.centres(one.picks_T, one.n_frames)
    curves = [("s-people", PEOPLE, one.scores[PEOPLE]), ("side-0", first.name, ours_T)]
    curves.append((f"side-{number}", side.name, theirs_T))
    seconds = one.seconds
    return {
        "name": one.name,
        "said": f"τ {mark(float(first.taus[one.name].mean()))} with {first.name}, "
        f"{mark(float(side.taus[one.name].mean()))} with {side.name}: "
        f"{'up' if movement.difference > 0 else 'down'} {mark(abs(movement.difference))}",
        "rose": movement.difference > 0,
        # Each on its own range: only order counts for τ.
        "curves": [
            {"slot": slot, "title": title, "path": lanes.line(_x(x_T, scores_T), ranks(scores_T))}
            for slot, title, scores_T in curves
        ],
        "moments": [
            {"number": place, "left": round(100 * float(x_T[frame]), 2)}
            for place, frame in enumerate(chosen, 1)
        ],
        "ticks": [
            {"left": round(100 * tick / seconds, 2), "label": f"{tick} s" if seconds < 60
             else f"{tick // 60}:{tick % 60:02d}"}
            for tick in lanes.ticks(seconds)
        ],
        "frames": [
            {
                "number": place,
                "when": lanes.clock(int(one.picks_T[frame]) / one.fps),
                "image": image,
                "captions": _captions(first, side, movement.video, frame),
                "places": [
                    {"slot": slot, "title": title,
                     "percent": f"{100 * float(ranks(scores_T)[frame]):.0f}"}
                    for slot, title, scores_T in curves
                ],
            }
            for place, (frame, image) in enumerate(
                zip(chosen, _images(still, one.picks_T.tolist(), chosen, pictures), strict=True), 1
            )
        ],
    }  # fmt: skip


def _x(x_T: lanes.Floats, scores_T: lanes.Floats) -> lanes.Floats:
    """The places of the first side's frames, or even ones where the other sampled differently."""
    if len(x_T) == len(scores_T):
        return x_T
    even_T: lanes.Floats = (np.arange(len(scores_T)) + 0.5) / len(scores_T)
    return even_T


def _captions(first: Contestant, side: Contestant, video: str, frame: int) -> list[Json]:
    """Each side's caption of a frame; one where they are the same."""
    one, other = (each.stories[video].captions[frame] for each in (first, side))
    if one == other:
        return [{"who": "", "text": one}]
    return [{"who": first.name, "text": one}, {"who": side.name, "text": other}]


def _images(
    still: VideoFrames | None, picks: list[int], chosen: Sequence[int], pictures: Pictures
) -> list[str | None]:
    if still is None or still.picks().tolist() != picks:
        return [None] * len(chosen)
    thumbnails = Thumbnails.of(
        len(chosen), lambda place: still.jpeg(chosen[place]), len(chosen), still.name
    )
    return [pictures.name(image) for image in thumbnails.images]

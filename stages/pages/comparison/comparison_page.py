"""The comparison as one page that opens without a network.

Shapes: T sampled frames.
"""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from stages.artifacts import frames
from stages.artifacts.frames import VideoFrames
from stages.artifacts.places import Places
from stages.metrics.printed import mark
from stages.pages import paths, templates
from stages.pages.comparison import drawings
from stages.pages.comparison import figures as compared
from stages.pages.comparison.contestants import Contestant
from stages.pages.comparison.movements import Movement, disagreements, farthest, movements
from stages.pages.ranks import ranks
from stages.pages.stories import PEOPLE
from stages.pages.thumbnails import Pictures, Thumbnails

Json = dict[str, Any]
TEMPLATE, STYLE = "compare.html", "compare.css"
EACH_WAY = 3


def build(sides: Sequence[Contestant], dataset: str, data: Path = Path("data")) -> str:
    """The page's HTML. Pictures are those of the workspace, in the folder `data`; a video of which
    it has none, or at other frames, is shown without.
    """
    pictures, first = Pictures(), sides[0]
    with ExitStack() as files:
        stills: Mapping[str, VideoFrames] = {}
        path = Places(data / dataset).frames
        if path.is_file():
            stills = files.enter_context(frames.reading(path)).by_name
        others = [
            _other(first, side, number, stills, pictures)
            for number, side in enumerate(sides[1:], 1)
        ]
    agreement = compared.figures(sides)
    return templates.rendered(
        TEMPLATE,
        pictures,
        templates.resource(STYLE),
        templates.coloured(f"side-{number}" for number in range(len(sides))),
        first=first.name,
        row=first.row,
        command=_command(sides, dataset),
        sides=[side.name for side in sides],
        simulated=first.results.simulated,
        title=first.results.title,
        protocol=first.protocol,
        settings=compared.settings(sides, dataset),
        marks=compared.SHOWN,
        figures=[
            {
                "title": compared.title(of),
                "sides": {
                    name: {mark: compared.parts(figure) for mark, figure in of_side.items()}
                    for name, of_side in of.sides.items()
                },
            }
            for of in agreement
        ],
        notes=compared.notes(sides, [of.protocol for of in agreement]),
        learning=drawings.learning(sides),
        others=others,
    )


def _command(sides: Sequence[Contestant], dataset: str) -> str:
    """What makes the page anew; `stages.comparisons.compare` has the defaults."""
    named = {"--dataset": (dataset, "demo"), "--row": (sides[0].row, "llmvs")}
    options = [f"{option} {value}" for option, (value, usual) in named.items() if value != usual]
    return " ".join(["llmvs compare", *(side.name for side in sides), *options])


def _other(
    first: Contestant,
    side: Contestant,
    number: int,
    stills: Mapping[str, VideoFrames],
    pictures: Pictures,
) -> Json:
    moved = movements(first.taus, side.taus, side.seeds == first.seeds)
    gained = sum(movement.difference > 0 for movement in moved)
    lost = sum(movement.difference < 0 for movement in moved)
    return {
        "name": side.name,
        "slot": f"side-{number}",
        "said": f"τ rose in {gained} of {len(moved)} videos and fell in {lost}.",
        "seeds": any(movement.low is not None for movement in moved),
        "dots": drawings.moved(
            moved,
            number,
            first.name,
            side.name,
            [first.stories[movement.video].label for movement in moved],
        ),
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
    picks, seconds = one.video.picks_T.tolist(), one.video.seconds
    chosen = disagreements(ours_T, theirs_T) if picks == other.video.picks_T.tolist() else []
    x_T = paths.centres(one.video.picks_T, one.video.n_frames)
    # Each on its own range: only order counts for τ.
    curves = [
        ("s-people", PEOPLE, ranks(one.scores[PEOPLE])),
        ("side-0", first.name, ranks(ours_T)),
        (f"side-{number}", side.name, ranks(theirs_T)),
    ]
    images = _images(still, picks, chosen, pictures)
    return {
        "name": one.label,
        "said": f"τ {mark(float(first.taus[one.name].mean()))} with {first.name}, "
        f"{mark(float(side.taus[one.name].mean()))} with {side.name}: "
        f"{'up' if movement.difference > 0 else 'down'} {mark(abs(movement.difference))}",
        "curves": [
            {"slot": slot, "title": title, "path": paths.line(_x(x_T, ranks_T), ranks_T)}
            for slot, title, ranks_T in curves
        ],
        "moments": [
            {"number": place, "left": round(100 * float(x_T[frame]), 2)}
            for place, frame in enumerate(chosen, 1)
        ],
        "ticks": [
            {
                "left": round(100 * one.video.frame_at(tick) / one.video.n_frames, 2),
                "label": paths.label(tick, seconds) + (" s" if seconds < 60 else ""),
            }
            for tick in paths.ticks(seconds)
        ],
        "frames": [
            {
                "number": place,
                "when": paths.clock(one.second(frame)),
                "image": image,
                "captions": _captions(first, side, movement.video, frame),
                "places": [
                    {"slot": slot, "title": title, "percent": f"{100 * ranks_T[frame]:.0f}"}
                    for slot, title, ranks_T in curves
                ],
            }
            for place, (frame, image) in enumerate(zip(chosen, images, strict=True), 1)
        ],
    }


def _x(x_T: paths.Floats, scores_T: paths.Floats) -> paths.Floats:
    """The places of the first side's frames, or even ones where the other sampled differently."""
    if len(x_T) == len(scores_T):
        return x_T
    even_T: paths.Floats = (np.arange(len(scores_T)) + 0.5) / len(scores_T)
    return even_T


def _captions(first: Contestant, side: Contestant, video: str, frame: int) -> list[Json]:
    """Each side's caption of a frame; one where they are the same, none where there are none."""
    said = [
        (each.name, captions[frame])
        for each in (first, side)
        if (captions := each.stories[video].captions) is not None
    ]
    if len({text for _, text in said}) == 1 and len(said) == 2:
        return [{"who": "", "text": said[0][1]}]
    return [{"who": who, "text": text} for who, text in said]


def _images(
    still: VideoFrames | None, picks: list[int], chosen: Sequence[int], pictures: Pictures
) -> list[str | None]:
    if still is None or still.picks().tolist() != picks:
        return [None] * len(chosen)
    thumbnails = Thumbnails.of(
        len(chosen), lambda place: still.jpeg(chosen[place]), len(chosen), still.name
    )
    return [pictures.name(image) for image in thumbnails.images]

"""Where shots end by three ways, against cuts that are known: the demo's, and of composed films.

A composed film is pieces of real clips, each of one shot, one after the other: joined hard, or by a
dissolve of half a second, whose middle is the cut. Those whose shots are alike are of one clip and
its mirror image in turn, as a scene is seen from two sides. A cut is found where one is told within
half a second of it; every one that is told counts for one at most.

Shapes: C cuts.
"""

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image
from rich.table import Table

from stages import params
from stages.errors import UserError
from stages.media import shots, video
from stages.media.films import films
from stages.media.looking import Film, look
from stages.media.settings import Looking
from stages.media.video import Pixels
from stages.sources import camera, screenplay
from stages.sources.settings import DemoDownload
from stages.work.store import Store

Floats = npt.NDArray[np.float64]

NEAR = 0.5
"""Seconds."""
_SIZE, _FPS = (480, 270), 25
_PIECE = 1.2, 5.0  # seconds
_DISSOLVE = 12  # frames
_LONGEST = 250  # frames of a clip that are used: bounds memory

_HOW = Looking()
WAYS: Mapping[str, Callable[[Film], Floats]] = {
    "the file's own cuts": lambda film: shots.joined(film, shots.breaks(film), _HOW.shortest),
    "kernel temporal segmentation": lambda film: shots.joined(
        film, shots.segmented(film, _HOW), _HOW.shortest
    ),
    "both (used)": lambda film: shots.shots(film, _HOW),
}
"""Shots (S, 2) of a film, none under a second."""


class Counts(NamedTuple):
    """Cuts that were found, that were told, and that there are."""

    found: int = 0
    told: int = 0
    there: int = 0

    def __add__(self, other: object) -> "Counts":
        assert isinstance(other, Counts)
        return Counts(*(one + more for one, more in zip(self, other, strict=True)))


def counted(told_C: Floats, there_C: Floats) -> Counts:
    """How many of the cuts there are have one told of within `NEAR`, the nearest pairs first."""
    apart = np.abs(told_C[:, None] - there_C)
    found = 0
    while apart.size and apart.min() <= NEAR:
        told, there = np.unravel_index(apart.argmin(), apart.shape)
        apart = np.delete(np.delete(apart, told, axis=0), there, axis=1)
        found += 1
    return Counts(found, len(told_C), len(there_C))


def compose(
    clips: Sequence[Sequence[Pixels]], pieces: int, dissolve: int, random: np.random.Generator
) -> tuple[list[Pixels], Floats]:
    """A film's frames, and its cuts (C,) in seconds. Raises UserError for fewer than two clips."""
    if len(clips) < 2:
        raise UserError("--clips: a film with cuts takes two clips at least, of one shot each")
    made: list[Pixels] = []
    cuts: list[float] = []
    last = -1
    for _ in range(pieces):
        last = int(random.choice([clip for clip in range(len(clips)) if clip != last]))
        lasts = min(len(clips[last]), round(_FPS * random.uniform(*_PIECE)))
        begin = int(random.integers(len(clips[last]) - lasts, endpoint=True))
        piece = list(clips[last][begin : begin + lasts])
        over = min(dissolve, len(made) // 2, len(piece) // 2)
        if made:
            cuts.append((len(made) - over / 2) / _FPS)
        for step in range(over):
            share = (step + 1) / (over + 1)
            blend = (1 - share) * made[step - over] + share * piece[step]
            made[step - over] = blend.astype(np.uint8)
        made += piece[over:]
    return made, np.array(cuts)


def measure(clips: Path | None, count: int, pieces: int) -> Table:
    """Precision and recall of each way on each kind of film.

    Args:
        clips: a folder of clips of one shot each; None: the demo alone.
        count: films of each kind.
        pieces: of a composed film.

    Raises:
        UserError: there is no clip, or the recipe `demo` makes no videos.
    """
    total: dict[str, dict[str, Counts]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for kind, path, there_C in _films(folder, clips, count, pieces):
            film = look(path, _HOW, Store(folder / "store"))
            for way, told in WAYS.items():
                row = total.setdefault(way, {})
                row[kind] = row.get(kind, Counts()) + counted(told(film)[1:, 0], there_C)
    kinds = list(next(iter(total.values())))
    sizes = {kind: next(iter(total.values()))[kind].there for kind in kinds}
    table = Table(
        "way",
        *(f"{kind}: {sizes[kind]} cuts" for kind in kinds),
        title=f"cuts found within {NEAR:g} s: precision, recall",
    )
    for way, row in total.items():
        table.add_row(way, *(_said(row[kind]) for kind in kinds))
    return table


def _said(counts: Counts) -> str:
    precision = f"{counts.found / counts.told:.3f}" if counts.told else "-"
    return f"{precision}, {counts.found / counts.there:.3f}"


def _films(
    folder: Path, clips: Path | None, count: int, pieces: int
) -> Iterator[tuple[str, Path, Floats]]:
    """Kind, file and cuts of each."""
    download = params.recipe("demo").download
    if not isinstance(download, DemoDownload):
        raise UserError("params.yaml: datasets.demo: makes no videos whose cuts are known")
    for number in range(1, count + 1):
        script = screenplay.script(download, number)
        ends = np.cumsum([move.frames for move in script.moves]) / download.fps
        cuts = [
            end
            for end, (move, after) in zip(ends, pairwise(script.moves), strict=False)
            if move.subject != after.subject
        ]
        path = folder / f"{script.name}.mp4"
        video.encode(path, camera.film(script, download.size), download.fps, download.size)
        yield "demo", path, np.array(cuts)
    if clips is None:
        return
    shown = [_frames(path) for path in films([clips])]
    for kind, dissolve in (("hard", 0), ("alike", 0), ("dissolves", _DISSOLVE)):
        for number in range(count):
            random = np.random.default_rng([number, dissolve])
            one = shown[number % len(shown)]
            of = [one, [image[:, ::-1] for image in one]] if kind == "alike" else shown
            images, cuts_C = compose(of, pieces, dissolve, random)
            path = folder / f"{kind}-{number}.mp4"
            video.encode(path, images, _FPS, _SIZE)
            yield kind, path, cuts_C


def _frames(path: Path) -> list[Pixels]:
    shown = []
    for frame in video.decode(path):
        image = Image.fromarray(video.pixels(frame)).resize(_SIZE)
        shown.append(np.asarray(image))
        if len(shown) == _LONGEST:
            break
    return shown

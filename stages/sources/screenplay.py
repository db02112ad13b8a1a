"""What the demo's videos show: which subject when, and how the camera moves over it.

A video has a few subjects of unequal shares, one of them in a single shot where that can be. Two
things are kept from a model that sees 7 sampled frames at a time. Neighbouring shots differ in
subject, and no subject takes more than half the shots where that can be, so that neither a long
run nor the first and last shots give the frequent one away; and shots are about as long as the
window, all of nearly one length, so that a window holds two subjects and hardly ever three.

Shapes: S segments.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stages.errors import UserError
from stages.sources.photographs import SUBJECTS
from stages.sources.settings import DemoDownload

MOVES_PER_SHOT = 3
# With seven segments or more, the shortest fits a summary of 15 % of the video.
MIN_SEGMENTS = 7


@dataclass(frozen=True)
class View:
    """What the camera frames, as shares: `scale` of the largest crop that fits the photograph,
    and where it lies in the room left, 0 0 being the upper left corner.
    """

    scale: float
    x: float
    y: float


@dataclass(frozen=True)
class Move:
    """One camera move over a photograph, from a view to a view, in `frames` video frames."""

    subject: str
    frames: int
    start: View
    end: View


@dataclass(frozen=True)
class Script:
    """One video: its moves in order. Each move is a segment of the video's change points."""

    name: str
    moves: tuple[Move, ...]

    @property
    def n_frames(self) -> int:
        return sum(move.frames for move in self.moves)

    def segments(self) -> npt.NDArray[np.int64]:
        """Inclusive [start, end] frames of each move, (S, 2)."""
        ends_S = np.cumsum([move.frames for move in self.moves])
        return np.column_stack([ends_S - [move.frames for move in self.moves], ends_S - 1])

    def shares(self) -> dict[str, float]:
        """Each subject's share of the frames; they sum to 1."""
        frames = dict.fromkeys((move.subject for move in self.moves), 0)
        for move in self.moves:
            frames[move.subject] += move.frames
        return {subject: count / self.n_frames for subject, count in frames.items()}


_SHUFFLES = 10_000
"""Of a video's shots at most, until no neighbours show the same."""


def cast(shots: int, subjects: int, random: np.random.Generator) -> list[int]:
    """The subject, 0 to subjects - 1, of each shot: unequal shares, neighbours different.

    Where the numbers allow it, the last subject has one shot and none has more than half.
    """
    if subjects == 1:
        return [0] * shots
    half = shots // 2
    most = half if subjects * half >= shots else (shots + 1) // 2
    counts = [1] * subjects
    for _ in range(shots - subjects):
        free = [subject for subject, count in enumerate(counts) if count < most]
        often = [subject for subject in free if subject != subjects - 1]
        counts[int(random.choice(often or free))] += 1
    order = np.repeat(np.arange(subjects), counts)
    for _ in range(_SHUFFLES):
        random.shuffle(order)
        if (order[1:] != order[:-1]).all():
            return [int(subject) for subject in order]
    # Of many shots hardly an order is such: those shown most take every second place.
    apart = sorted(order.tolist(), key=lambda subject: (-counts[subject], subject))
    spread = [0] * shots
    spread[::2], spread[1::2] = apart[: (shots + 1) // 2], apart[(shots + 1) // 2 :]
    return spread


def _views(random: np.random.Generator, moves: int) -> list[View]:
    """The views between which `moves` moves go: pans and zooms in turn, slow enough to watch."""
    scale, (x, y) = random.uniform(0.75, 0.95), random.uniform(0, 1, size=2)
    views = [View(scale, x, y)]
    pans = bool(random.integers(2))
    for _ in range(moves):
        if pans:
            x, y = np.clip(
                [x, y] + random.uniform(0.2, 0.4, size=2) * random.choice([-1, 1], 2), 0, 1
            )
        else:
            scale = random.uniform(0.88, 0.98) if scale < 0.85 else random.uniform(0.72, 0.8)
        views.append(View(float(scale), float(x), float(y)))
        pans = not pans
    return views


def _shot(subject: str, frames: int, moves: int, random: np.random.Generator) -> list[Move]:
    """A shot of `frames` frames as moves of nearly equal length."""
    places = (np.arange(1, moves) + random.uniform(-0.1, 0.1, size=moves - 1)) / moves
    cuts = [0, *np.rint(places * frames).astype(int).tolist(), frames]
    views = _views(random, moves)
    return [
        Move(subject, cuts[move + 1] - cuts[move], views[move], views[move + 1])
        for move in range(moves)
    ]


def script(settings: DemoDownload, number: int) -> Script:
    """The demo's video `number`, from 1. It depends on the seed and its number alone, so that
    a longer dataset begins with the shorter one's videos.

    Raises UserError where params.yaml names a subject of which there is no photograph.
    """
    if unknown := sorted(set(settings.subjects) - set(SUBJECTS)):
        raise UserError(
            f"params.yaml: download.subjects: no photograph of {', '.join(unknown)}; "
            f"there are {', '.join(sorted(SUBJECTS))}"
        )
    random = np.random.default_rng([settings.seed, number])
    shots = int(random.integers(*settings.shots, endpoint=True))
    wanted = int(random.integers(*settings.subjects_per_video, endpoint=True))
    # Drawn anew for each video: if subjects took turns in being rare, having been rare in the
    # training videos would say of a subject that it is not in this one.
    subjects = random.choice(
        sorted(settings.subjects), size=min(wanted, shots), replace=False
    ).tolist()
    moves = max(MOVES_PER_SHOT, math.ceil(MIN_SEGMENTS / shots))
    filmed: list[Move] = []
    for subject in cast(shots, len(subjects), random):
        frames = max(moves * 2, round(random.uniform(*settings.shot_seconds) * settings.fps))
        filmed += _shot(subjects[subject], frames, moves, random)
    return Script(f"demo-{number:02d}", tuple(filmed))

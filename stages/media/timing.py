"""When a film's frames are shown, and where spans of its time are cut.

Shapes: N video frames.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stages.errors import UserError
from stages.media import clock, video
from stages.media.clock import Clock
from stages.media.video import Frame

Span = tuple[float, float]
"""[start, end) in seconds from a film's first frame."""

_NEAR = 0.05  # seconds: half a frame at ten a second, and no more where frames are shown for long

_MISSING = 0.5  # seconds that a film may lack of what its container says


@dataclass(frozen=True, eq=False)
class Timing:
    """When each frame of a film is shown, as far as it decodes.

    damage: what does not, or None. early: whether it ends before it should.
    """

    clock: Clock
    damage: str | None = None
    early: bool = False

    @property
    def end(self) -> float:
        """Of the last frame, in seconds."""
        return len(self.clock.times_N) / self.clock.fps

    def nearest(self, second: float) -> float:
        """The time of the frame, or the end, within half an average frame (0.05 s at most); or else
        the second itself, in the middle of a frame that is shown for long.
        """
        times_N = self.clock.times_N
        after = bisect_left(times_N, second)
        before = float(times_N[max(0, after - 1)])
        behind = float(times_N[after]) if after < len(times_N) else self.end
        near = before if second - before <= behind - second else behind
        return near if abs(near - second) <= min(_NEAR, 0.5 / self.clock.fps) else second

    def after(self, second: float) -> float:
        """When the next frame is shown, or the end."""
        following = self.clock.times_N[self.clock.times_N > second]
        return float(following[0]) if len(following) else self.end


def timing(film: Path, told: Callable[[int], None] = lambda frames: None) -> Timing:
    """Decode a film for the times of its frames alone.

    Args:
        film: its file.
        told: of frames decoded.

    Raises:
        UserError: it is no video, or nothing of it decodes.
    """
    stamps: list[float | None] = []
    lasts = None
    decoding = Decoding(film)
    for frame in decoding:
        stamps.append(frame.shown)
        lasts = frame.lasts
        told(1)
    return decoding.timing(stamps, lasts)


class Decoding:
    """A film's frames as far as they decode, and what was wrong with the others.

    Iterating raises nothing: a film that cannot be read on ends there.
    """

    def __init__(self, film: Path) -> None:
        self._film = film
        self._lost = 0
        self._ended: str | None = None

    def __iter__(self) -> Iterator[Frame]:
        try:
            yield from video.decode(self._film, self._lose)
        except UserError as error:
            self._ended = str(error)

    def _lose(self) -> None:
        self._lost += 1

    def timing(self, stamps: Sequence[float | None], lasts: float | None) -> Timing:
        """The timing of the film that was iterated over.

        Args:
            stamps, lasts: of its frames, as `clock.of` takes them.

        Raises:
            UserError: nothing of it decoded.
        """
        film = self._film
        if not stamps:
            nothing = f"{film} holds not a single frame that decodes"
            raise UserError(self._ended or f"{nothing}; get it anew from where it came")
        rate, leap, promised = video.header(film)
        found = Timing(clock.of(stamps, lasts, rate, leap))
        said = []
        if self._lost:
            what = "frame does not" if self._lost == 1 else "frames do not"
            said.append(f"{film}: {self._lost} {what} decode; the rest is used")
        # Some containers end in the middle without anything in them being wrong.
        late = promised is not None and promised > found.end + _MISSING
        if self._ended:
            said.append(self._ended)
        elif late:
            said.append(
                f"{film} says that it lasts {promised:.1f} seconds: it is truncated or damaged"
            )
        return Timing(found.clock, "; ".join(said) or None, self._ended is not None or late)


def checked(film: Path, spans: Sequence[Span]) -> None:
    """Raises UserError where spans of a film are none, out of order or overlap."""
    if not spans:
        raise UserError(f"{film}: no span of it is to be kept, so there is nothing to write")
    before = 0.0
    for start, end in spans:
        if not (np.isfinite([start, end]).all() and before - 1e-9 <= start < end):
            raise UserError(
                f"{film}: spans must follow one another from 0 seconds on without overlap; got "
                f"{start:g} to {end:g} after {before:g}"
            )
        before = end


def cuts(film: Path, spans: Sequence[Span], found: Timing) -> list[Span]:
    """Spans as they are cut, at the times of frames (`Timing.nearest`), each a frame at least.

    Those that touch are joined. What lies past the end of a film that ends early is left out.

    Raises UserError where spans are out of order, or nothing of them is in the film.
    """
    checked(film, spans)
    whole = found.end
    late = spans[-1][1] - whole
    if not found.early and late > 0.5 / found.clock.fps:
        raise UserError(
            f"{film} lasts {whole:.3f} seconds, and a span of it ends {late:.3f} seconds later; "
            "the spans are another film's"
        )
    placed: list[Span] = []
    for start, end in spans:
        if start >= whole:
            continue
        begin, stop = found.nearest(start), found.nearest(min(end, whole))
        if begin >= whole:
            begin = float(found.clock.times_N[-1])
        if stop <= begin:
            stop = found.after(begin)
        if placed and begin <= placed[-1][1]:
            placed[-1] = placed[-1][0], max(stop, placed[-1][1])
        else:
            placed.append((begin, stop))
    if not placed:
        raise UserError(f"{film}: only {whole:.1f} seconds of it decode, and all spans are later")
    return placed

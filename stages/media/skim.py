"""A film cut down to spans of its time: an MP4 with picture and sound, encoded anew.

The film is decoded from its beginning to the last span's end, picture and sound side by side, so
memory holds a few frames of it. Times are those of `stages.media.clock`: seconds from the first
frame. A span that begins or ends within half a frame of a frame's time does so there, and one in
the middle of a frame that is shown for long, there; sound is cut at the very same times.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from stages.errors import UserError
from stages.media import sound, timing, video
from stages.media.reel import Kept, Reel, Shown, begun
from stages.media.sound import Part
from stages.media.timing import Span, Timing
from stages.work.files import replacing


@dataclass(frozen=True)
class Skim:
    """What was written.

    kept: pieces in order, where they were cut. frames: of the picture. sound: whether there is any.
    said: what a person should know of it, a sentence each.
    """

    kept: tuple[Kept, ...]
    frames: int
    sound: bool
    said: tuple[str, ...]

    @property
    def seconds(self) -> float:
        last = self.kept[-1]
        return last.begins + last.end - last.start

    def at(self, second: float) -> float:
        """When a second of the film that was to be kept is shown, or what was cut in its place."""
        piece = next((each for each in self.kept if second < each.end), self.kept[-1])
        return piece.begins + max(0.0, second - piece.start)


def write(
    target: Path,
    film: Path,
    spans: Sequence[Span],
    known: Timing | None = None,
    told: Callable[[int, int], None] = lambda done, frames: None,
) -> Skim:
    """Write what a film shows and sounds like in spans of its time as an H.264 and AAC MP4.

    Args:
        target: the file to write, which appears whole or not at all.
        film: the film's.
        spans: in order, apart or touching.
        known: the film's times; None: they are found first, which is decoding it once more.
        told: of frames decoded, and how many there are up to the last span's end.

    Raises:
        UserError: spans out of order or past the film's end, or nothing of them decodes.
    """
    found = timing.timing(film) if known is None else known
    pieces = begun(timing.cuts(film, spans, found))
    frames = int(np.searchsorted(found.clock.times_N, pieces[-1].end))
    with ExitStack() as stack:
        stack.enter_context(video.muxing(film))
        temporary = stack.enter_context(replacing(target))
        heard = sound.of(film)
        if heard is not None:
            stack.callback(heard.close)
        reel = stack.enter_context(Reel(temporary, pieces, found.clock.fps, heard))
        for done, shown in enumerate(_shown(film, found)):
            reel.take(shown)
            told(done + 1, frames)
            if shown.until >= pieces[-1].end:
                break
        reel.finish()
        kept = reel.kept()
        if not kept:
            raise UserError(f"{film}: nothing of the spans to be kept decodes")
    said = []
    if found.early or kept[-1].end < spans[-1][1] - 1 / found.clock.fps:
        said.append(
            f"{film}: only its first {found.end:.1f} seconds decode, and only they are used"
        )
    if reel.picture.hdr:
        said.append(f"{film}: high dynamic range ({reel.picture.hdr}) was mapped to BT.709")
    if heard is not None and heard.damaged:
        said.append(f"{film}: {heard.damaged} packets of sound do not decode; silence is instead")
    return Skim(kept, reel.frames, heard is not None, tuple(said))


def _shown(film: Path, found: Timing) -> Iterator[Shown]:
    times = [*found.clock.times_N.tolist(), found.end]
    part, latest = Part(0, 0), -math.inf
    joins = video.header(film).joins
    for frame, (time, until) in zip(timing.Decoding(film), pairwise(times), strict=False):
        stamp = frame.shown
        if stamp is not None:
            if stamp < latest - joins.back:
                part, latest = Part(part.back + 1, 0), stamp
            elif math.isfinite(latest) and stamp > latest + joins.on:
                part = Part(part.back, part.leaps + 1)
            latest = max(latest, stamp)
        yield Shown(frame, time, until, stamp, part)

"""Where a film can be cut without encoding it anew, by what its container says.

A piece can only begin with a picture that needs no other, so it begins at the last one before the
span. It ends where all that was stored before is shown before all that was stored after, which is a
few frames late where frames refer to later ones. Pieces that then overlap are one.

Shapes: N packets of the picture, in the order of storing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.error
import numpy as np
import numpy.typing as npt
from av.packet import Packet
from av.stream import Stream

from stages.errors import UserError
from stages.media import clock, video
from stages.media.looking import Film
from stages.media.timing import Span
from stages.work.store import Store, key

Integers = npt.NDArray[np.int64]

VERSION = 1
"""Of what is read of a container; raised where that becomes something else."""

REMEDY = "have it encoded anew, without --copy"


@dataclass(frozen=True, eq=False)
class Packets:
    """pts_N: when each is shown, in units of `base`. keys: which need no other, rising. first: when
    the first frame is shown. end: when the last one ends.
    """

    pts_N: Integers
    keys: Integers
    base: Fraction
    first: int
    end: int

    def seconds(self, pts: int) -> float:
        """From the first frame."""
        return float((pts - self.first) * self.base)


@dataclass(frozen=True)
class Piece:
    """Packets from `begin` up to and without `stop`, shown from `start` to `end`, in units of the
    base, in the film; `shift` takes that to the copy.
    """

    begin: int
    stop: int
    start: int
    end: int
    shift: int


def read(source: av.container.InputContainer, *streams: Stream) -> "Iterator[Packet[Any]]":
    """Packets as far as the file can be read."""
    try:
        for packet in source.demux(*streams):
            if packet.size and not packet.is_corrupt:
                yield packet
    except av.error.FFmpegError:
        return


def packets(film: Path) -> Packets:
    """What the container says of the film's picture, without decoding any.

    Raises UserError where that is not enough to cut it by.
    """
    stamps: list[int] = []
    keys: list[int] = []
    discarded: list[bool] = []
    lasts = 0
    with video.opened(film) as (source, stream):
        if source.format.name == "avi" and stream.codec_context.has_b_frames:
            raise _unknown(film)
        base, leap = stream.time_base, video.leap(source)
        for packet in read(source, stream):
            if packet.pts is None:
                raise _unknown(film)
            if packet.is_keyframe:
                keys.append(len(stamps))
            stamps.append(packet.pts)
            discarded.append(packet.is_discard)
            lasts = packet.duration or lasts
    if not keys or base is None:
        raise UserError(f"{film} holds no picture to begin with; {REMEDY}")
    pts_N = np.array(stamps, dtype=np.int64)
    joins = clock.joins(float((pts_N.max() - pts_N.min()) * base) / len(pts_N), leap)
    back = float((np.maximum.accumulate(pts_N) - pts_N).max() * base)
    on = float(np.diff(np.sort(pts_N), prepend=pts_N.min()).max() * base)
    if back > joins.back or on > joins.on:
        raise UserError(
            f"{film}: parts were joined in it that each count from their own beginning; {REMEDY}"
        )
    visible_N = pts_N[~np.array(discarded)]
    first = int(visible_N.min() if len(visible_N) else pts_N.min())
    return Packets(pts_N, np.array(keys), base, first, int(pts_N.max()) + lasts)


def kept(film: Film, store: Store) -> Packets:
    """As `packets`, of a film that was looked at; what its container said is kept."""
    place = key(stage="packets", version=VERSION, film=film.whole)
    found = store.get(place)
    if found is None:
        said = packets(film.path)
        found = {
            "pts": said.pts_N,
            "keys": said.keys,
            "base": np.array([said.base.numerator, said.base.denominator]),
            "ends": np.array([said.first, said.end]),
        }
        store.put(place, found)
    first, end = found["ends"].tolist()
    base = Fraction(*found["base"].tolist())
    return Packets(found["pts"], found["keys"], base, first, end)


def _unknown(film: Path) -> UserError:
    return UserError(f"{film}: its container does not say when each frame is shown; {REMEDY}")


def pieces(film: Path, packets: Packets, spans: Sequence[Span]) -> list[Piece]:
    """The pieces that hold the spans, in order. Raises UserError for spans past the film's end."""
    pts_N, count = packets.pts_N, len(packets.pts_N)
    whole = packets.seconds(packets.end)
    if spans[-1][1] > whole + 1.0:
        raise UserError(
            f"{film} lasts {whole:.3f} seconds, and a span of it ends at {spans[-1][1]:.3f}; the "
            "spans are another film's"
        )
    half = (packets.end - packets.first) / count / 2
    rest_N = np.minimum.accumulate(np.append(pts_N, packets.end)[::-1])[::-1]
    latest_N = np.maximum.accumulate(pts_N)
    # Before packet n all is shown that comes before what is from n on.
    closed = np.flatnonzero(np.append(True, latest_N < rest_N[1:]))
    ranges: list[tuple[int, int]] = []
    for start, end in spans:
        wanted = packets.first + start / packets.base + half
        before = packets.keys[pts_N[packets.keys] <= wanted]
        begin = int(before[-1] if len(before) else packets.keys[0])
        due = packets.first + end / packets.base - half
        late = closed[(closed > begin) & (rest_N[closed] >= due)]
        stop = int(late[0]) if len(late) else count
        if ranges and begin <= ranges[-1][1]:
            ranges[-1] = ranges[-1][0], max(stop, ranges[-1][1])
        else:
            ranges.append((begin, stop))
    found: list[Piece] = []
    at = 0
    for begin, stop in ranges:
        start, end = int(pts_N[begin]), int(rest_N[stop])
        found.append(Piece(begin, stop, start, end, at - start))
        at += end - start
    return found

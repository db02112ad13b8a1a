"""A film cut down to spans of its time without encoding it anew: quick, and not to the frame.

Where it is cut, `stages.media.keyframes` says.

Shapes: N packets of the picture, in the order of storing.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.packet import Packet
from av.stream import Stream
from av.video.stream import VideoStream

from stages.errors import UserError
from stages.media import keyframes, timing, video
from stages.media.keyframes import Integers, Packets, Piece
from stages.media.reel import Kept
from stages.media.seeking import Reader
from stages.media.skim import Skim
from stages.media.sound import JITTER
from stages.media.timing import Span
from stages.work.files import replacing

_EARLY, _LONGER = 0.05, 0.5
"""Seconds that nobody sees: a piece's beginning too early by half a frame at ten a second, a skim
too long by what `llmvs summarise` may be off."""
_ROUNDED = 1e-3
"""Seconds by which a span and the piece that begins with it may lie apart."""


def copy(
    target: Path,
    film: Path,
    spans: Sequence[Span],
    told: Callable[[int, int], None] = lambda done, packets: None,
    known: Packets | None = None,
) -> Skim:
    """Copy what a film shows and sounds like in spans of its time to an MP4, as it is coded.

    What was kept, which is more than the spans by as much as `said` tells, is in the Skim.

    Args:
        target: the file to write, which appears whole or not at all.
        film: the film's.
        spans: in seconds from the first frame, in order, apart or touching.
        told: of packets of the picture gone through, and how many there are.
        known: what the container says of the picture; None: it is read first.

    Raises:
        UserError: spans out of order or past the film's end, an MP4 cannot hold what the film is
            coded in, or its container does not say when frames are shown.
    """
    timing.checked(film, spans)
    packets = keyframes.packets(film) if known is None else known
    pieces = keyframes.pieces(film, packets, spans)
    with ExitStack() as stack:
        stack.enter_context(video.muxing(film, keyframes.REMEDY))
        temporary = stack.enter_context(replacing(target))
        reader = Reader(film, stack.enter_context(video.opened(film)), packets, pieces)
        made = stack.enter_context(
            av.open(
                str(temporary.absolute()), "w", format="mp4", options={"movflags": "+faststart"}
            )
        )
        stream, track = reader.picture, reader.sound
        streams = [stream] if track is None else [stream, track]
        copies = {each.index: _like(made, each, film) for each in streams}
        placed = _Placed(packets, pieces)
        for packet in reader:
            if packet.stream_index != stream.index:
                ready = placed.heard(packet)
            else:
                ready = placed.shown(packet, reader.number)
                told(reader.number + 1, len(packets.pts_N))
            if ready:
                packet.stream = copies[packet.stream_index]
                made.mux(packet)
    kept = tuple(
        Kept(
            packets.seconds(piece.start),
            packets.seconds(piece.end),
            float((piece.start + piece.shift) * packets.base),
        )
        for piece in pieces
    )
    count = sum(len(placed.times(piece)) for piece in pieces)
    return Skim(kept, count, track is not None, _off(film, spans, kept))


def _off(film: Path, spans: Sequence[Span], kept: Sequence[Kept]) -> tuple[str, ...]:
    """What to warn of: nothing where keyframes happen to lie where it is cut."""
    starts = [piece.start for piece in kept]
    # Between spans that one keyframe serves there is more than was asked for, but nothing is early.
    ends = [0.0, *(end for _, end in spans)]
    early = [
        max(0.0, start - max(starts[max(0, bisect_right(starts, start + _ROUNDED) - 1)], before))
        for (start, _), before in zip(spans, ends, strict=False)
    ]
    asked = sum(end - start for start, end in spans)
    longer = max(0.0, sum(piece.end - piece.start for piece in kept) - asked)
    if max(early) < _EARLY and longer < _LONGER:
        return ()
    return (
        f"{film}: cut at keyframes, so what is kept begins up to {max(early):.2f} seconds early "
        f"({float(np.mean(early)):.2f} on average), and is {longer:.2f} seconds longer than asked",
    )


def _like(made: av.container.OutputContainer, stream: Stream, film: Path) -> Stream:
    name = stream.codec_context.codec.canonical_name
    try:
        copied = made.add_stream_from_template(stream, opaque=True)
    except ValueError as error:
        raise UserError(
            f"{film}: an MP4 cannot hold its {stream.type} as it is coded ({name}); "
            f"{keyframes.REMEDY}"
        ) from error
    if name == "hevc":
        copied.codec_context.codec_tag = "hvc1"  # FFmpeg's own, hev1, Apple's players refuse
    if isinstance(stream, VideoStream) and isinstance(copied, VideoStream):
        # Which may stand in the container alone.
        copied.codec_context.sample_aspect_ratio = stream.sample_aspect_ratio or Fraction(1)
    return copied


class _Placed:
    """Packets at their new times, in the order in which they are read."""

    def __init__(self, packets: Packets, pieces: Sequence[Piece]) -> None:
        self._packets, self._pieces = packets, pieces
        self._begins = [piece.begin for piece in pieces]
        self._starts = [piece.start for piece in pieces]
        self._heard = -(1 << 32)  # samples, up to the end of the last packet
        # Decoding times: rising, and as little before those of showing as the order allows.
        shown_N = np.concatenate([self.times(piece) + piece.shift for piece in pieces])
        rising_N = np.sort(shown_N)
        self._decoded = iter((rising_N - (rising_N - shown_N).max()).tolist())

    def times(self, piece: Piece) -> Integers:
        """When the piece's packets are shown in the film; those before its first, which refer to
        what is not there, left out.
        """
        pts_N = self._packets.pts_N[piece.begin : piece.stop]
        return pts_N[pts_N >= piece.start]

    def shown(self, packet: "Packet[Any]", number: int) -> bool:
        """Whether packet `number` of the picture is kept; it then has its new times."""
        pts = self._packets.pts_N[number].item()
        place = bisect_right(self._begins, number) - 1
        if place < 0:
            return False
        piece = self._pieces[place]
        if number >= piece.stop or pts < piece.start:
            return False
        packet.pts = pts + piece.shift
        packet.dts = next(self._decoded)
        return True

    def heard(self, packet: "Packet[Any]") -> bool:
        """Whether a packet of sound is kept; it then has its new times, to the sample."""
        if packet.pts is None:
            return False
        context = packet.stream.codec_context
        rate = int(context.rate)
        lasts = int(context.frame_size) or round((packet.duration or 0) * packet.time_base * rate)
        middle = packet.pts * packet.time_base + Fraction(lasts, 2 * rate)
        ticks = middle / self._packets.base
        place = bisect_right(self._starts, ticks) - 1
        if place < 0 or ticks >= self._pieces[place].end:
            return False
        shift = self._pieces[place].shift * self._packets.base
        at = round((packet.pts * packet.time_base + shift) * rate)
        # Containers round; and where two pieces meet, one of two packets that overlap by more than
        # half goes.
        if abs(at - self._heard) <= JITTER * rate:
            at = self._heard
        elif at + lasts / 2 < self._heard:
            return False
        packet.pts = packet.dts = max(at, self._heard)
        packet.duration, packet.time_base = lasts, Fraction(1, rate)
        self._heard = packet.pts + lasts
        return True

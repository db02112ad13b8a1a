"""A skim while it is written: pictures as they come, and sound up to the same time.

Shapes: C channels, K samples.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

import av
import numpy as np
import numpy.typing as npt
from av.audio.stream import AudioStream
from av.packet import Packet
from av.video.stream import VideoStream

from stages.media.picture import Picture
from stages.media.sound import Part, Sound
from stages.media.timing import Span
from stages.media.video import X264, Frame

TICK = Fraction(1, 360_000)
"""Unit of a skim's times: frames of every usual rate, NTSC's among them, last whole ticks."""

_THREADS = 4  # whatever the machine has: another number gives other bytes
_BITS = 96_000  # a second and channel
_FADE = 0.005  # seconds at a cut, or it clicks


@dataclass(frozen=True)
class Kept:
    """A piece of a film in its skim: [start, end) of the film, and when it begins in the skim."""

    start: float
    end: float
    begins: float


def begun(spans: Sequence[Span]) -> list[Kept]:
    """Spans with their beginnings in the skim, one after the other on whole ticks."""
    found, ticks = [], 0
    for start, end in spans:
        found.append(Kept(start, end, float(ticks * TICK)))
        ticks += _ticks(end - start)
    return found


def _ticks(seconds: float) -> int:
    return round(seconds / TICK)


class Shown(NamedTuple):
    """A frame, shown from `time` to `until`; its timestamp, and the part of the file, which may
    count from its own beginning.
    """

    frame: Frame
    time: float
    until: float
    stamp: float | None
    part: Part


class Reel:
    """The file of a skim.

    Picture and sound are written side by side: the container would have to hold one until it has
    the other.
    """

    def __init__(self, path: Path, pieces: Sequence[Kept], fps: float, heard: Sound | None) -> None:
        self._pieces, self._heard = pieces, heard
        self._rate = max(Fraction(fps).limit_denominator(1001), Fraction(1, 1001))
        self._begins = {_ticks(piece.begins) for piece in pieces}
        self._current = 0
        self._part: Part | None = None
        self._until = 0.0
        self._written = 0  # samples
        self._lasts: dict[
            int | None, int
        ] = {}  # ticks, of frames in the encoder by when they are shown
        self._video: VideoStream | None = None
        self._audio: AudioStream | None = None
        self.picture = Picture(TICK)
        self.frames = 0
        # As an absolute path: what stands before a colon would be taken for a protocol.
        self._container = av.open(
            str(path.absolute()), "w", format="mp4", options={"movflags": "+faststart"}
        )

    def __enter__(self) -> "Reel":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._container.close()

    def take(self, shown: Shown) -> None:
        """The next frame of the film, for as many pieces as it is in."""
        self._align(shown, begins=False)  # each part, kept or not: its sound comes past too
        while self._current < len(self._pieces):
            piece = self._pieces[self._current]
            if piece.start >= shown.until:
                return
            begin, end = max(shown.time, piece.start), min(shown.until, piece.end)
            self._align(shown, begins=begin == piece.start)
            at = _ticks(piece.begins) + _ticks(begin - piece.start)
            lasts = _ticks(piece.begins) + _ticks(end - piece.start) - at
            if lasts > 0:
                self._show(self.picture.show(shown.frame, at, lasts))
                self._until = end
                self._sound(piece, end)
            if piece.end > shown.until:
                return
            self._show(self.picture.cut())
            self._sound(piece, end)
            self._current += 1

    def _align(self, shown: Shown, begins: bool) -> None:
        if self._heard is None or shown.stamp is None:
            return
        if begins or shown.part != self._part:
            self._heard.align(shown.part, shown.stamp, shown.time)
            self._part = shown.part

    def finish(self) -> None:
        """Write what filters and encoders still hold."""
        self._show(self.picture.flush())
        if self._current < len(self._pieces):  # the film ended early
            self._sound(self._pieces[self._current], self._until)
        if self._video is not None:
            self._mux(self._video.encode(None))
        if self._audio is not None:
            self._container.mux(self._audio.encode(None))

    def kept(self) -> tuple[Kept, ...]:
        """The pieces as far as they were written."""
        return tuple(
            Kept(piece.start, min(piece.end, self._until), piece.begins)
            for piece in self._pieces
            if piece.start < self._until
        )

    def _show(self, ready: Sequence[av.VideoFrame]) -> None:
        for frame in ready:
            stream = self._video or self._begin(frame)
            if frame.pts in self._begins:
                frame.pict_type = 1  # a picture of its own, to jump to
            self.frames += 1
            self._lasts[frame.pts] = frame.duration
            self._mux(stream.encode(frame))

    def _mux(self, packets: "Sequence[Packet[VideoStream]]") -> None:
        for packet in packets:
            # The encoder does not pass it on, and the last frame would last as the one before.
            packet.duration = self._lasts.pop(packet.pts)
            self._container.mux(packet)

    def _begin(self, frame: av.VideoFrame) -> VideoStream:
        options = {**X264, "threads": str(_THREADS)}
        stream = self._container.add_stream("libx264", rate=self._rate, options=options)
        context = stream.codec_context
        stream.width, stream.height, stream.pix_fmt = frame.width, frame.height, "yuv420p"
        stream.time_base = context.time_base = TICK
        context.thread_count = _THREADS
        context.color_range, context.colorspace = frame.color_range, frame.colorspace
        context.color_primaries, context.color_trc = frame.color_primaries, frame.color_trc
        self._video = stream
        if self._heard is not None:
            heard = self._heard
            self._audio = self._container.add_stream("aac", rate=heard.rate, layout=heard.layout)
            self._audio.bit_rate = _BITS * heard.channels
        return stream

    def _sound(self, piece: Kept, until: float) -> None:
        """The film's sound of a piece up to a time of the film."""
        if self._heard is None:
            return
        if self._audio is None:
            return  # the picture is still held back; its sound comes with the next
        rate = self._heard.rate
        first = round(piece.begins * rate)
        last = round((piece.begins + piece.end - piece.start) * rate)
        wanted = round((piece.begins + until - piece.start) * rate)
        while self._written < wanted:
            count = min(wanted - self._written, rate)  # of a picture that stands for minutes too
            at_K = np.arange(self._written, self._written + count)
            time = piece.start + self._written / rate - piece.begins
            samples_CK = self._heard.read(time, count) * _faded(at_K, first, last, _FADE * rate)
            frame = av.AudioFrame.from_ndarray(samples_CK, "fltp", self._heard.layout)
            frame.sample_rate, frame.pts, frame.time_base = rate, self._written, Fraction(1, rate)
            self._container.mux(self._audio.encode(frame))
            self._written += count


def _faded(
    at_K: npt.NDArray[np.int64], first: int, last: int, length: float
) -> npt.NDArray[np.float32]:
    """How loud samples of a piece are, rising at its beginning and falling at its end."""
    near_K = np.minimum(at_K - first, last - 1 - at_K) + 0.5
    return np.clip(near_K / length, 0, 1).astype(np.float32)

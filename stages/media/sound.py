"""The sound of a film, cut to the sample at times of its picture.

Of several tracks the one that `ffmpeg` takes by default: one whose disposition is default, then the
one of most channels, then the first.

Shapes: C channels, K samples.
"""

import math
from collections.abc import Generator, Iterator
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import av
import av.error
import numpy as np
import numpy.typing as npt
from av.audio.stream import AudioStream
from av.stream import Discard, Disposition

from stages.media import clock

Samples = npt.NDArray[np.float32]

_AAC = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)
_USUAL = 48000
"""Samples a second where AAC has no word for the film's own number of them."""

JITTER = 0.01
"""Seconds by which timestamps may disagree with the count of samples before they are believed:
containers round, and less than half a frame is not seen.
"""


class Part(NamedTuple):
    """A part of a file with a clock of its own: after how many steps back, and then leaps."""

    back: int
    leaps: int


class _Chunk(NamedTuple):
    """Samples from `stamp` on, in seconds of a clock that was set back `part` times."""

    part: int
    stamp: float
    samples_CK: Samples


class Sound:
    """A film's sound as a line of samples, in C channels (one, or two for all other layouts).

    It is decoded from the beginning on, as far as it is asked for. Where the film has none, between
    two tracks of time or past its end, there is silence.

    rate: samples a second. damaged: packets that could not be decoded.
    """

    def __init__(self, container: av.container.InputContainer, stream: AudioStream) -> None:
        self._container, self._stream = container, stream
        self.rate = stream.rate if stream.rate in _AAC else _USUAL
        self.layout = "mono" if stream.channels == 1 else "stereo"
        self.damaged = 0
        self._chunks = self._decoded()
        self._chunk: _Chunk | None = None
        self._late: list[list[tuple[float, float]]] = [[(-math.inf, 0.0)]]
        self._part = Part(0, 0)
        self._until: float | None = None

    def close(self) -> None:
        self._chunks.close()
        self._container.close()

    @property
    def channels(self) -> int:
        return 1 if self.layout == "mono" else 2

    def align(self, part: Part, stamp: float, time: float) -> None:
        """Say that what has the timestamp `stamp` in a part of the file is shown at `time`."""
        before, self._part = self._part, part
        if part.back == len(self._late):
            self._late.append([(-math.inf, time - stamp)])
        elif part == before:
            since, _ = self._late[-1].pop()
            self._late[-1].append((since, time - stamp))
        else:  # sound of it may come before its picture, if not by as much as the clock leapt
            self._late[-1].append((stamp - clock.LEAP / 2, time - stamp))

    def _time(self, chunk: _Chunk) -> float:
        """When a chunk is heard: by the latest leap before it that is known."""
        known = [late for since, late in self._late[chunk.part] if since <= chunk.stamp]
        return chunk.stamp + known[-1]

    def read(self, start: float, count: int) -> Samples:
        """`count` samples (C, K) from `start` on, in seconds of the film; `start` never falls."""
        found_CK = np.zeros((self.channels, count), dtype=np.float32)
        # Only what goes on without a gap may disagree with its timestamps.
        running = self._until is not None and abs(start - self._until) * self.rate < 1
        filled = 0
        while filled < count:
            chunk = self._chunk or next(self._chunks, None)
            self._chunk = chunk
            if chunk is None or chunk.part >= len(self._late):
                running = False
                break
            time = self._time(chunk)
            lag = time - (start + filled / self.rate)
            if running and abs(lag) <= JITTER:
                lag = 0.0
            samples = round(lag * self.rate)
            if samples > 0:
                running = False
                filled += samples
                continue
            if -samples >= chunk.samples_CK.shape[1]:
                self._chunk = None
                continue
            self._take(-samples)
            filled += self._put(found_CK[:, filled:])
            running = True
        self._until = start + count / self.rate if running else None
        return found_CK

    def _put(self, room_CK: Samples) -> int:
        """Fill what the next samples can; how many they were."""
        assert self._chunk is not None
        samples_CK = self._chunk.samples_CK[:, : room_CK.shape[1]]
        count = int(samples_CK.shape[1])
        room_CK[:, :count] = samples_CK
        self._take(count)
        return count

    def _take(self, count: int) -> None:
        chunk = self._chunk
        assert chunk is not None
        left_CK = chunk.samples_CK[:, count:]
        stamp = chunk.stamp + count / self.rate
        self._chunk = _Chunk(chunk.part, stamp, left_CK) if left_CK.shape[1] else None

    def _decoded(self) -> Generator[_Chunk]:
        part, expected, latest = 0, 0.0, -np.inf
        resampler, resampled = None, None
        for frame in self._frames():
            stamp = expected if frame.time is None else frame.time
            if stamp < latest - clock.BACK:
                part, latest = part + 1, stamp
            latest = max(latest, stamp)
            expected = stamp + frame.samples / frame.sample_rate
            frame.pts = round(stamp * frame.sample_rate)
            frame.time_base = Fraction(1, frame.sample_rate)
            kind = frame.format.name, frame.layout.name, frame.sample_rate
            if resampler is None or kind != resampled:
                resampler = av.AudioResampler(format="fltp", layout=self.layout, rate=self.rate)
                resampled = kind
            yield from (_chunk(part, ready) for ready in resampler.resample(frame))
        if resampler is not None:
            held = resampler.resample(None)
            yield from (_chunk(part, ready) for ready in held if ready is not None)

    def _frames(self) -> Iterator[av.AudioFrame]:
        try:
            for packet in self._container.demux(self._stream):
                try:
                    yield from packet.decode()
                except av.error.FFmpegError:
                    self.damaged += 1
        except av.error.FFmpegError:  # there is no reading on
            self.damaged += 1


def _chunk(part: int, ready: av.AudioFrame) -> _Chunk:
    assert ready.time is not None
    return _Chunk(part, ready.time, np.asarray(ready.to_ndarray(), dtype=np.float32))


def of(film: Path) -> Sound | None:
    """The sound of a film; None where it has none that can be decoded."""
    container = av.open(str(film.absolute()), metadata_errors="replace")
    chosen = track(container)
    if chosen is None:
        container.close()
        return None
    for stream in container.streams:
        if stream is not chosen:
            stream.discard = Discard.all  # some containers then need not even read it
    return Sound(container, chosen)


def track(container: av.container.InputContainer) -> AudioStream | None:
    """The track that is heard; None where there is none that can be decoded."""
    tracks = [
        stream
        for stream in container.streams.audio
        if stream.codec_context is not None and stream.channels and stream.rate
    ]
    return max(
        tracks,
        key=lambda stream: (bool(stream.disposition & Disposition.default), stream.channels),
        default=None,
    )

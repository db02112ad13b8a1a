"""Films whose frames show their own number and whose sound is noise that is never twice the same.

Shapes: N video frames, C channels, K samples.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av.stream import Disposition

from stages.media import video

CELL = 16
SIZE = (6 * CELL, 4 * CELL)  # width, height
RATE = 48_000
BASE = Fraction(1, 90_000)

Samples = npt.NDArray[np.float32]


def picture(number: int, size: tuple[int, int] = SIZE) -> video.Pixels:
    """Twelve cells, white where the number has a bit; red below them on the left, and beside and
    under all that grey.
    """
    image = np.full((size[1], size[0], 3), 90, dtype=np.uint8)
    for bit in range(12):
        row, column = divmod(bit, 6)
        image[row * CELL :, column * CELL :][:CELL, :CELL] = 235 if number >> bit & 1 else 20
    image[2 * CELL : 4 * CELL, : 3 * CELL] = (220, 40, 40)
    return image


def number_of(image: video.Pixels) -> int:
    return sum(
        1 << bit
        for bit in range(12)
        if image[bit // 6 * CELL :, bit % 6 * CELL :][4 : CELL - 4, 4 : CELL - 4].mean() > 128
    )


def noise(seconds: float, seed: int = 0, rate: int = RATE) -> Samples:
    """(1, K), little of it above what every codec keeps."""
    white_K = np.random.default_rng(seed).normal(0, 1, round(seconds * rate))
    return (0.2 * np.convolve(white_K, np.hanning(13) / 3, "same")).astype(np.float32)[None]


@dataclass(frozen=True)
class Track:
    """Sound from `start` on, in seconds of the film's clock."""

    samples_CK: Samples
    start: float = 0.0
    codec: str = "pcm_s16le"
    rate: int = RATE
    default: bool = False
    layout: str = "mono"


def film(
    path: Path,
    times: Sequence[float],
    tracks: Sequence[Track] = (),
    *,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    size: tuple[int, int] = SIZE,
    options: dict[str, str] | None = None,
    matrix: Sequence[int] | None = None,
    aspect: Fraction = Fraction(1),
    colours: tuple[int, int, int] | None = None,
    cover: bool = False,
    paint: Callable[[int, tuple[int, int]], video.Pixels] = picture,
) -> Path:
    """Frame k shows k at times[k], seconds of the file's clock; the last lasts as the one before.

    Args:
        matrix: nine numbers of a display matrix.
        colours: primaries, transfer and matrix, by their numbers.
        cover: a picture of 640 x 480 comes before the film.
        paint: number and size to another picture.
    """
    rate = Fraction((len(times) - 1) / (times[-1] - times[0])).limit_denominator(1001)
    base = BASE if codec in ("libx264", "ffv1") else 1 / rate
    with av.open(str(path.absolute()), "w") as file:
        if cover:
            still = file.add_stream("mjpeg", rate=1, options={"strict": "unofficial"})
            still.width, still.height, still.pix_fmt = 640, 480, "yuvj420p"
            still.disposition = Disposition.attached_pic
        stream = file.add_stream(codec, rate=rate, options=options or {})
        stream.width, stream.height = size
        stream.pix_fmt = pix_fmt
        stream.sample_aspect_ratio = aspect
        stream.time_base = stream.codec_context.time_base = base
        if colours is not None:
            context = stream.codec_context
            context.color_primaries, context.color_trc, context.colorspace = colours
        if matrix is not None:
            stream.set_display_matrix(list(matrix))
        sounds = []
        for track in tracks:
            sound = file.add_stream(track.codec, rate=track.rate, layout=track.layout)
            sound.disposition = Disposition.default if track.default else Disposition(0)
            sounds.append(sound)
        if cover:
            grey = av.VideoFrame.from_ndarray(np.full((480, 640, 3), 90, np.uint8), format="rgb24")
            file.mux([*still.encode(grey), *still.encode(None)])
        parts = [_sounding(sound, track) for sound, track in zip(sounds, tracks, strict=True)]
        durations: dict[int | None, int] = {}

        def lasting(packet: av.Packet) -> av.Packet:
            packet.duration = durations.get(packet.pts, 0)
            return packet

        steps = [*np.diff(times).tolist(), times[-1] - times[-2]]
        for number, (time, lasts) in enumerate(zip(times, steps, strict=True)):
            frame = av.VideoFrame.from_ndarray(paint(number, size), format="rgb24")
            frame = frame.reformat(format=pix_fmt)
            frame.pts, frame.time_base = round(time / base), base
            durations[frame.pts] = round(lasts / base)
            file.mux([lasting(packet) for packet in stream.encode(frame)])
            for sound, part in zip(sounds, parts, strict=True):
                while part and part[0][0] <= time:
                    file.mux(sound.encode(part.pop(0)[1]))
        for sound, part in zip(sounds, parts, strict=True):
            for _, left in part:
                file.mux(sound.encode(left))
            file.mux(sound.encode(None))
        file.mux([lasting(packet) for packet in stream.encode(None)])
    return path


def _sounding(sound: object, track: Track) -> list[tuple[float, av.AudioFrame]]:
    found = []
    for begin in range(0, track.samples_CK.shape[1], 1024):
        samples_CK = np.ascontiguousarray(track.samples_CK[:, begin : begin + 1024])
        if track.codec == "pcm_s16le":
            packed = (samples_CK.T.reshape(1, -1) * 32767).clip(-32768, 32767).astype(np.int16)
            frame = av.AudioFrame.from_ndarray(packed, "s16", track.layout)
        else:
            frame = av.AudioFrame.from_ndarray(samples_CK, "fltp", track.layout)
        frame.sample_rate = track.rate
        frame.pts = round(track.start * track.rate) + begin
        frame.time_base = Fraction(1, track.rate)
        found.append((frame.pts / track.rate, frame))
    return found


def shown(path: Path) -> list[tuple[float, video.Pixels]]:
    """Each frame as a player shows it, and when."""
    found = []
    for frame in video.decode(path):
        assert frame.shown is not None
        found.append((frame.shown, video.pixels(frame)))
    return found


def heard(path: Path, seconds: float) -> tuple[Samples, int]:
    """The sound from 0 seconds on as (C, K), silence where there is none, and its rate."""
    with av.open(str(path.absolute())) as file:
        stream = file.streams.audio[0]
        found_CK = np.zeros((stream.channels, round((seconds + 1) * stream.rate)), np.float32)
        for frame in file.decode(stream):
            at = round(frame.time * stream.rate)
            part_CK = frame.to_ndarray()[:, max(0, -at) :]
            at = max(0, at)
            room_CK = found_CK[:, at : at + part_CK.shape[1]]
            room_CK[:] = part_CK[:, : room_CK.shape[1]]
        return found_CK, stream.rate


def lag(found_K: Samples, source_K: Samples, at: int, reach: int) -> tuple[int, float]:
    """By how many samples the found sound lies behind `source_K[at:]`, within a reach, and how well
    it agrees there (1: it is that).
    """
    best = (0, -1.0)
    for behind in range(-reach, reach + 1):
        begin = at - behind
        if begin < 0 or begin + len(found_K) > len(source_K):
            continue
        other_K = source_K[begin : begin + len(found_K)]
        both = float(np.linalg.norm(found_K) * np.linalg.norm(other_K)) or 1.0
        agreement = float(found_K @ other_K) / both
        if agreement > best[1]:
            best = behind, agreement
    return best

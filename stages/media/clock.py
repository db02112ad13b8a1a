"""When the frames of a video are shown, out of the timestamps in its file.

Shapes: N video frames.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

BACK = 1.0  # a step back by more seconds than that begins another part
LEAP = 10.0
"""A leap by more seconds does so too, where a container's clock may jump: FFmpeg's own
`dts_delta_threshold`, and for the same containers (`video.Header`). In others it is a picture that
stands for so long."""
_REORDERED = 16  # and either by more frames than H.264 or HEVC ever hold back


class Joins(NamedTuple):
    """By more than how many seconds a picture's clock steps back, or on, where another part of its
    file begins, which counts from its own beginning.
    """

    back: float
    on: float


def joins(frame: float, leap: float) -> Joins:
    """Of a film whose frames last `frame` seconds, and whose clock may leap by more than `leap`."""
    held = _REORDERED * frame
    return Joins(max(BACK, held), max(leap, held))


class Clock(NamedTuple):
    """fps: frames a second on average. times_N: seconds from the first frame, never falling."""

    fps: float
    times_N: Floats


def of(
    stamps: Sequence[float | None], lasts: float | None, rate: float, leap: float = math.inf
) -> Clock:
    """A video's clock.

    Where every timestamp lies within half a frame of frame k at k / rate, or none tells anything,
    the clock is just that: containers round, to milliseconds often. Otherwise the timestamps hold:

    - A frame without one comes an average frame after the one before.
    - Where parts were joined (`joins`), the later one goes on an average frame after the earlier.
    - Smaller steps back are of frames stored in another order than they are shown in, which AVI
      does not tell apart: frames come decoded as they are shown, so their times are sorted.

    Args:
        stamps: of every frame in the order of decoding, in seconds; None where the file has none.
        lasts: how many seconds the last frame does; None where the file does not say.
        rate: frames a second on average, as the file says.
        leap: by more than how many seconds the file's clock may leap; infinite where it may not.
    """
    frame = 1 / rate
    even_N = np.arange(len(stamps)) / rate
    times_N = np.sort(_joined(_filled(stamps, frame), frame, joins(frame, leap)))
    times_N -= times_N[0]
    if times_N[-1] == 0 or np.abs(times_N - even_N).max() <= frame / 2:
        return Clock(rate, even_N)
    return Clock(len(stamps) / float(times_N[-1] + (lasts or frame)), times_N)


def _filled(stamps: Sequence[float | None], frame: float) -> Floats:
    first = next(((n, stamp) for n, stamp in enumerate(stamps) if stamp is not None), (0, 0.0))
    filled = [first[1] - (first[0] - n) * frame for n in range(first[0])]
    for stamp in stamps[first[0] :]:
        before = filled[-1] if filled else first[1] - frame
        filled.append(before + frame if stamp is None else stamp)
    return np.array(filled)


def _joined(times_N: Floats, frame: float, joins: Joins) -> Floats:
    """Times with each part after the one before."""
    steps_N = np.diff(times_N)
    for part in np.flatnonzero((steps_N < -joins.back) | (steps_N > joins.on)) + 1:
        times_N[part:] += times_N[:part].max() + frame - times_N[part]
    return times_N

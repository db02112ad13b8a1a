"""When the frames of a video are shown, out of the timestamps in its file.

Shapes: N video frames.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

BACK = 1.0  # a step back by more seconds than that begins another part
LEAP = 10.0
"""A leap by more seconds does so too, where a container's clock may jump: FFmpeg's own
`dts_delta_threshold`, and for the same containers (`video.jumps`). In others it is a picture that
stands for so long."""
_REORDERED = 16  # and back by more frames than H.264 or HEVC ever hold back


class Clock(NamedTuple):
    """fps: frames a second on average. times_N: seconds from the first frame, never falling."""

    fps: float
    times_N: Floats


def of(
    stamps: Sequence[float | None], lasts: float | None, rate: float, jumps: bool = False
) -> Clock:
    """A video's clock.

    Where every timestamp lies within half a frame of frame k at k / rate, or none tells anything,
    the clock is just that: containers round, to milliseconds often. Otherwise the timestamps hold:

    - A frame without one comes an average frame after the one before.
    - A step back of more than a second (and 16 frames), or a leap, is where parts were joined that
      each count from their own beginning: the later one goes on an average frame after the earlier.
    - Smaller steps back are of frames stored in another order than they are shown in, which AVI
      does not tell apart: frames come decoded as they are shown, so their times are sorted.

    Args:
        stamps: of every frame in the order of decoding, in seconds; None where the file has none.
        lasts: how many seconds the last frame does; None where the file does not say.
        rate: frames a second on average, as the file says.
        jumps: whether the file's clock may leap.
    """
    frame = 1 / rate
    even_N = np.arange(len(stamps)) / rate
    times_N = np.sort(_joined(_filled(stamps, frame), frame, jumps))
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


def _joined(times_N: Floats, frame: float, jumps: bool) -> Floats:
    """Times with each part after the one before."""
    steps_N = np.diff(times_N)
    begins_N = steps_N < -max(BACK, _REORDERED * frame)
    if jumps:
        begins_N |= steps_N > max(LEAP, _REORDERED * frame)
    for part in np.flatnonzero(begins_N) + 1:
        times_N[part:] += times_N[:part].max() + frame - times_N[part]
    return times_N

"""Curves, bands and steps over a video's time axis, as SVG paths.

Shapes: T sampled frames, N video frames.

They are drawn on `WIDTH` by `HEIGHT` units, stretched by the page to whatever room there is: x runs
over the whole video, y from 1 at the top to 0 at the bottom.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

WIDTH, HEIGHT = 1000.0, 100.0
Floats = npt.NDArray[np.float64]


class Stretch(NamedTuple):
    """y' = shift + scale · y, in the drawing's units, that puts a row's own range on all of it."""

    shift: float
    scale: float


def centres(picks: npt.ArrayLike, n_frames: int) -> Floats:
    """Where on 0 to 1 each sampled frame stands (T,): mid-way to the next, as its score holds."""
    picks_T = np.asarray(picks, dtype=np.float64)
    x_T: Floats = (picks_T + np.append(picks_T[1:], n_frames)) / (2 * n_frames)
    return x_T


def _points(x: Floats, y: Floats) -> str:
    pairs = zip((x * WIDTH).tolist(), ((1 - y) * HEIGHT).tolist(), strict=True)
    return "L".join(f"{a:.1f} {b:.1f}" for a, b in pairs)


def line(x: npt.ArrayLike, y: npt.ArrayLike) -> str:
    """A path through the points (T,), broken where y is NaN; a lone point is a dot."""
    x_T, y_T = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    known_T = np.isfinite(y_T).astype(np.int8)
    edges = np.diff(known_T, prepend=0, append=0)
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    return "".join(
        f"M{_points(x_T[start:end], y_T[start:end])}" + ("h0" if end - start == 1 else "")
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
    )


def band(x: npt.ArrayLike, low: npt.ArrayLike, high: npt.ArrayLike) -> str:
    """The closed path between two curves (T,), kept inside the drawing."""
    x_T = np.asarray(x, dtype=np.float64)
    low_T, high_T = np.clip([low, high], 0, 1)
    there_and_back = np.concatenate([x_T, x_T[::-1]]), np.concatenate([high_T, low_T[::-1]])
    return f"M{_points(*there_and_back)}Z"


def steps(values: npt.ArrayLike) -> str:
    """The area under frame values (N,) between 0 and 1, a corner only where they change."""
    values_N = np.asarray(values, dtype=np.float64)
    starts = np.flatnonzero(np.diff(values_N, prepend=np.nan) != 0)
    bounds = np.append(starts, len(values_N)) / len(values_N)
    x = np.repeat(bounds, 2)
    y = np.concatenate([[0.0], np.repeat(values_N[starts], 2), [0.0]])
    return f"M{_points(x, y)}Z"


def stretch(y: npt.ArrayLike) -> Stretch:
    """How to move a row's curve so that its least value is at the bottom, its most at the top."""
    y_T = np.asarray(y, dtype=np.float64)
    known = y_T[np.isfinite(y_T)]
    if len(known) == 0 or np.ptp(known) == 0:
        return Stretch(0.0, 1.0)
    low, high = float(known.min()), float(known.max())
    scale = 1 / (high - low)
    return Stretch(round(HEIGHT * (1 - scale + scale * low), 3), round(scale, 4))


def ticks(seconds: float, most: int = 8) -> list[int]:
    """Round times in seconds from 0 to the end of the video, at most `most` steps apart."""
    for step in (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600):
        if seconds / step <= most:
            break
    return list(range(0, int(seconds) + 1, step))


def label(tick: int, seconds: float) -> str:
    """A tick of a video so many seconds long: plain seconds under a minute, else 2:05."""
    return str(tick) if seconds < 60 else f"{tick // 60}:{tick % 60:02d}"


def clock(seconds: float) -> str:
    """12.5 s, or 2:05 from a minute up."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02d}"

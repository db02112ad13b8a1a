"""Where one shot of a film ends and the next begins, in seconds.

Which sampled frames belong together, kernel temporal segmentation says of their features; the cut
itself is where, between two of them, the picture changes most from one frame to the next.

Shapes: T sampled frames, D image feature width, S shots.
"""

import numpy as np
import numpy.typing as npt

from stages.artifacts.timeline import Video
from stages.media.looking import Film
from stages.media.segmentation import of_unit_length
from stages.media.settings import Looking
from stages.summaries import kts

Floats = npt.NDArray[np.float64]

_STRETCH = 1800
"""Sampled frames segmented at once, a quarter of an hour: a square matrix of them fits anywhere."""


def shots(film: Film, looking: Looking) -> Floats:
    """The film's shots (S, 2), [start, end) in seconds, one after the other, from its first frame
    to the end of its last.

    Samples are evenly spaced in time, and so the penalty weighs shots against seconds, whatever the
    frame rate. A shot shorter than `looking.shortest` joins that of its neighbours which looks more
    like it.
    """
    unit_TD = of_unit_length(film.features_TD)
    lasts = _lasts(unit_TD, looking.penalty)
    spans = _joined(unit_TD, lasts, film.cuts_T, looking.shortest)
    ends_S = film.cuts_T[spans]
    return np.column_stack([np.r_[0.0, ends_S[:-1]], ends_S])


def spine(film: Film, looking: Looking, name: str) -> Video:
    """The film on a timeline, under a name, with its shots."""
    times_N = film.timing.clock.times_N
    starts_S = np.searchsorted(times_N, shots(film, looking)[:, 0])
    ends_S = np.r_[starts_S[1:] - 1, film.n_frames - 1]
    known = Video(name, film.path.stem, film.n_frames, film.fps, film.picks_T, film.times_T)
    return known.with_shots(np.column_stack([starts_S, ends_S]), "kts")


def seconds(film: Film, shots_S2: npt.NDArray[np.int64]) -> Floats:
    """Shots (S, 2), inclusive [start, end] frames, as [start, end) in seconds."""
    starts_S = film.timing.clock.times_N[shots_S2[:, 0]]
    return np.column_stack([starts_S, np.r_[starts_S[1:], film.seconds]])


def _lasts(unit_TD: npt.NDArray[np.float32], penalty: float) -> list[int]:
    """Index of each shot's last sample. Long films go by stretches, each begun where the last cut
    of the one before is.
    """
    lasts: list[int] = []
    start = 0
    while True:
        rows_S2 = kts.change_points(unit_TD[start : start + _STRETCH], None, penalty) + start
        if start + _STRETCH >= len(unit_TD):
            lasts += rows_S2[:, 1].tolist()
            return lasts
        # The stretch's end is no cut, so what its last shot is is for the next one to say.
        kept_S2 = rows_S2[:-1] if len(rows_S2) > 1 else rows_S2
        lasts += kept_S2[:, 1].tolist()
        start = lasts[-1] + 1


def _joined(
    unit_TD: npt.NDArray[np.float32], lasts: list[int], cuts_T: Floats, shortest: float
) -> list[int]:
    spans = list(lasts)

    def bounds(shot: int) -> tuple[int, int]:
        return (spans[shot - 1] + 1 if shot else 0), spans[shot] + 1

    def seconds(shot: int) -> float:
        return float(cuts_T[spans[shot]] - (cuts_T[spans[shot - 1]] if shot else 0.0))

    def mean_D(shot: int) -> npt.NDArray[np.float32]:
        begin, end = bounds(shot)
        found: npt.NDArray[np.float32] = unit_TD[begin:end].mean(axis=0)
        return found

    while len(spans) > 1:
        shot = min(range(len(spans)), key=seconds)
        if seconds(shot) >= shortest:
            break
        beside = [other for other in (shot - 1, shot + 1) if 0 <= other < len(spans)]
        nearest = max(beside, key=lambda other: float(mean_D(shot) @ mean_D(other)))
        del spans[min(shot, nearest)]
    return spans

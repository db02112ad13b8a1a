"""Where one shot of a film ends and the next begins, in seconds.

Two things tell. A cut in the file is a frame at which the whole picture changes, and not as it does
around; and which sampled frames belong together, kernel temporal segmentation says of their
features, which also finds what is no cut: dissolves, and scenes within a take. `llmvs bench shots`
measures each, and both together, against cuts that are known.

Shapes: N video frames, T sampled frames, D image feature width, S shots, C cuts.
"""

import numpy as np
import numpy.typing as npt

from stages.artifacts.video import Video
from stages.media.looking import Film
from stages.media.segmentation import of_unit_length
from stages.media.settings import Looking
from stages.summaries import kts
from stages.work.store import Store, key

Floats = npt.NDArray[np.float64]

VERSION = 1
"""Of what the code finds in the same film; raised where it finds something else."""

_STRETCH = 1800
"""Sampled frames segmented at once, a quarter of an hour: a square matrix of them fits anywhere."""


_BREAK = 10.0
"""Grey levels that the picture changes by at a cut, at least, on average."""
_STANDS_OUT = 2.0
"""Times what it changes by at any of the frames around: movement goes on, and a flash changes it
twice."""
_AROUND = 2  # frames on either side


def shots(film: Film, looking: Looking) -> Floats:
    """The film's shots (S, 2), [start, end) in seconds, one after the other, from its first frame
    to the end of its last.

    They end at the file's own cuts, and where segmentation finds more, `looking.shortest` or more
    away from those. A shot shorter than that joins that of its neighbours which looks more like it.
    """
    cuts_C = breaks(film)
    found_C = segmented(film, looking)
    nearest_C = np.abs(found_C[:, None] - np.r_[cuts_C, np.inf]).min(axis=1)
    every_C = np.unique(np.r_[cuts_C, found_C[nearest_C >= looking.shortest]])
    return joined(film, every_C, looking.shortest)


def kept(film: Film, looking: Looking, store: Store) -> Floats:
    """As `shots`, found once: they are the same for every length."""
    place = key(
        stage="shots",
        version=VERSION,
        film=film.whole,
        penalty=looking.penalty,
        shortest=looking.shortest,
    )
    found = store.get(place)
    if found is None:
        found = {"shots": shots(film, looking)}
        store.put(place, found)
    return found["shots"]


def breaks(film: Film) -> Floats:
    """The cuts (C,) in the file itself, in seconds."""
    padded = np.pad(film.changes_N, _AROUND)
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * _AROUND + 1).copy()
    windows[:, _AROUND] = 0
    stands_out_N = film.changes_N >= _STANDS_OUT * windows.max(axis=1)
    found_C: Floats = film.timing.clock.times_N[(film.changes_N >= _BREAK) & stands_out_N]
    return found_C


def segmented(film: Film, looking: Looking) -> Floats:
    """The cuts (C,) that kernel temporal segmentation finds, in seconds.

    Samples are evenly spaced in time, and so the penalty weighs shots against seconds, whatever the
    frame rate. A cut between two of them is where the picture changes most from one frame to the
    next.
    """
    lasts = _lasts(of_unit_length(film.features_TD), looking.penalty)[:-1]
    after = [
        first + int(np.argmax(film.changes_N[first : until + 1]))
        for first, until in ((film.picks_T[last] + 1, film.picks_T[last + 1]) for last in lasts)
    ]
    found_C: Floats = film.timing.clock.times_N[after]
    return found_C


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


def joined(film: Film, cuts_C: Floats, shortest: float) -> Floats:
    """Shots (S, 2) between cuts, but for those that go so that none is too short."""
    unit_TD = of_unit_length(film.features_TD)
    ends = [*(cut for cut in cuts_C.tolist() if 0 < cut < film.seconds), film.seconds]

    def span(shot: int) -> tuple[float, float]:
        return (ends[shot - 1] if shot else 0.0), ends[shot]

    def seconds(shot: int) -> float:
        start, end = span(shot)
        return end - start

    def mean_D(shot: int) -> npt.NDArray[np.float32]:
        first, until = np.searchsorted(film.times_T, span(shot))
        # Between two sampled frames: the one before stands for it.
        found: npt.NDArray[np.float32] = unit_TD[min(first, until - 1) : until].mean(axis=0)
        return found

    while len(ends) > 1:
        shot = min(range(len(ends)), key=seconds)
        if seconds(shot) >= shortest:
            break
        beside = [other for other in (shot - 1, shot + 1) if 0 <= other < len(ends)]
        nearest = max(beside, key=lambda other: float(mean_D(shot) @ mean_D(other)))
        del ends[min(shot, nearest)]
    return np.column_stack([[0.0, *ends[:-1]], ends])

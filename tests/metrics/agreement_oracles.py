"""Slow and obvious versions of the metrics, and the real annotations where they are at hand."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import h5py
import numpy as np
import numpy.typing as npt
import pytest
from scipy.io import loadmat

REAL = Path(__file__).parents[2].parent / "shared" / "data"

needs_real_annotations = pytest.mark.skipif(
    not REAL.is_dir(), reason="the real TVSum and SumMe annotations are not beside the repository"
)

Array = npt.NDArray[np.float64]


def slow_tau(a: Sequence[float], b: Sequence[float]) -> float:
    """Every pair looked at; ties taken out of each side's count."""
    agreeing = pairs_a = pairs_b = 0
    for i in range(len(a)):
        for j in range(i):
            sign_a = int(a[i] > a[j]) - int(a[i] < a[j])
            sign_b = int(b[i] > b[j]) - int(b[i] < b[j])
            agreeing += sign_a * sign_b
            pairs_a += sign_a != 0
            pairs_b += sign_b != 0
    return agreeing / math.sqrt(pairs_a * pairs_b) if pairs_a and pairs_b else 0.0


def slow_rho(a: Sequence[float], b: Sequence[float]) -> float:
    """Pearson's correlation of ranks, a rank being how many lie below plus half of one's equals."""

    def ranks(values: Sequence[float]) -> list[float]:
        return [
            sum(other < value for other in values) + sum(other == value for other in values) / 2
            for value in values
        ]

    if len(set(a)) < 2 or len(set(b)) < 2:
        return 0.0
    return float(np.corrcoef(ranks(a), ranks(b))[0, 1])


def slow_f1(one: Sequence[bool], other: Sequence[bool]) -> float:
    """The harmonic mean of precision and recall, as the field computes it."""
    shared = sum(x and y for x, y in zip(one, other, strict=True))
    if shared == 0:
        return 0.0
    precision, recall = shared / sum(one), shared / sum(other)
    return 2 * precision * recall / (precision + recall)


def real_tvsum() -> Iterator[tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]]:
    """For each of TVSum's 50 videos: user scores (20, N), shots (S, 2)."""
    cuts = loadmat(REAL / "tvsum" / "shot_TVSum.mat")["shot_boundaries"]
    with h5py.File(REAL / "tvsum" / "ydata-tvsum50.mat") as file:
        for row in range(50):
            scores_UN = np.asarray(file[file["tvsum50"]["user_anno"][row, 0]], dtype=np.float32)
            bounds = cuts[row, 0].ravel().astype(np.int64)
            yield scores_UN, np.column_stack([bounds[:-1], bounds[1:] - 1])


def real_summe() -> Iterator[npt.NDArray[np.bool_]]:
    """For each of SumMe's 25 videos: the users' summaries (U, N)."""
    for path in sorted((REAL / "summe").glob("*.mat")):
        yield (loadmat(path)["user_score"] > 0).T

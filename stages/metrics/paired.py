"""Two rows on the same videos: their difference, its interval, and whether chance could make it.

Shapes: V videos, P assignments of signs.

Under the null hypothesis a video's two marks could as well have been swapped, so each difference
keeps its size and takes either sign (Fisher 1935; for systems compared on shared items, Smucker,
Allan, Carterette 2007). Videos are the unit, as for the intervals: seeds are averaged first.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from stages.metrics.intervals import TIE, at_once, bootstrap, weighted_mean

Floats = npt.NDArray[np.float64]
DRAWS = 20_000
"""Assignments of signs that are tried; all of them where there are no more than this."""


class Paired(NamedTuple):
    """One row less another: the weighted mean difference, its interval, the p-value."""

    difference: float
    low: float
    high: float
    p: float


def _signs(videos: int, draws: int, seed: int) -> Iterator[Floats]:
    """All 2^V assignments (P, V) where they are at most `draws`, else that many random ones; some
    at a time, so that memory does not grow with the videos. What is drawn does not depend on it.
    """
    if 2**videos <= draws:
        bits_PV = (np.arange(2**videos)[:, None] >> np.arange(videos)) & 1
        yield np.where(bits_PV == 1, -1.0, 1.0)
        return
    random, most = np.random.default_rng(seed), at_once(videos)
    for begun in range(0, draws, most):
        bits_PV = random.integers(0, 2, (min(most, draws - begun), videos))
        yield np.where(bits_PV == 1, -1.0, 1.0)


def permutation_p(
    differences: npt.ArrayLike,
    weights: npt.ArrayLike | None = None,
    *,
    draws: int = DRAWS,
    seed: int = 0,
) -> float:
    """Two-sided p-value of the weighted mean of differences (V,) under random signs.

    weights (V,) stay with their videos. Exact where 2^V is at most `draws`; else over `draws`
    seeded assignments with the observed one counted among them, (1 + as extreme) / (1 + draws),
    which is never 0 (Phipson, Smyth 2010). Videos without a difference take no part; where none
    differs, 1. The same input and seed give the same value.
    """
    differences_V = np.asarray(differences, dtype=np.float64)
    weights_V = np.ones_like(differences_V) if weights is None else np.asarray(weights, np.float64)
    moved_V = differences_V * weights_V
    moved_V = moved_V[moved_V != 0]
    if len(moved_V) == 0:
        return 1.0
    observed = abs(float(moved_V.sum())) * (1 - TIE)
    extreme = tried = 0
    for signs_PV in _signs(len(moved_V), draws, seed):
        extreme += int((np.abs(signs_PV @ moved_V) >= observed).sum())
        tried += len(signs_PV)
    if 2 ** len(moved_V) <= draws:
        return extreme / tried
    return (1 + extreme) / (1 + tried)


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Each p-value corrected for all of them having been tested (Holm 1979), in the same order.

    The k-th smallest of m is multiplied by m - k + 1; none falls below a smaller one's, none
    rises above 1. The chance of any false finding at level α is then at most α.
    """
    corrected: dict[str, float] = {}
    least = 0.0
    for rank, name in enumerate(sorted(p_values, key=p_values.__getitem__)):
        least = max(least, min(1.0, (len(p_values) - rank) * p_values[name]))
        corrected[name] = least
    return {name: corrected[name] for name in p_values}


def paired(
    values: npt.ArrayLike,
    reference: npt.ArrayLike,
    weights: npt.ArrayLike | None = None,
    *,
    confidence: float = 0.95,
    resamples: int = 2000,
) -> Paired:
    """values less reference, (V,) each, of the same videos in the same order."""
    differences_V = np.asarray(values, np.float64) - np.asarray(reference, np.float64)
    weights_V = np.ones_like(differences_V) if weights is None else np.asarray(weights, np.float64)
    interval = bootstrap(differences_V, weights_V, confidence=confidence, resamples=resamples)
    mean = float(weighted_mean(differences_V, weights_V))
    return Paired(mean, *interval, permutation_p(differences_V, weights_V))

"""Bootstrap confidence intervals over videos.

Shapes: V videos.

The videos are the sample: an interval says how far the figure would move had other videos of the
same kind been collected. It does not say how far another training seed would move it; that is the
spread, kept apart.
"""

import warnings
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import stats

Floats = npt.NDArray[np.float64]
TIE = 1e-9
"""Of the largest number, how far two sums of the same numbers in another order lie apart at most.
Which is the larger depends on the processor, and is nothing to go by.
"""


class Interval(NamedTuple):
    low: float
    high: float


def at_once(videos: int) -> int:
    """How many resamples of so many videos are in memory together: all that are usual for what
    people have judged by hand, fewer where there are thousands.
    """
    return max(1, 2**17 // videos)


def weighted_mean(values: Floats, weights: Floats, axis: int = -1) -> Floats:
    """The mean of values by weights along `axis`, the weights broadcast to the values' shape."""
    full = np.broadcast_to(weights, values.shape)
    return np.asarray((values * full).sum(axis=axis) / full.sum(axis=axis))


def bootstrap(
    values: npt.ArrayLike,
    weights: npt.ArrayLike | None = None,
    *,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """The interval of the weighted mean of values (V,), one a video, resampling videos.

    weights (V,) stay with their videos (a video tested in more splits counts for more).
    Bias-corrected and accelerated (Efron 1987). Where that is undefined, percentiles; where
    resampling cannot move the mean (a single video, or all values equal), the mean itself twice.
    The same input and seed give the same interval on any processor: a resample whose mean is the
    observed one but for rounding counts as equal to it, as many are where few videos differ.
    """
    values_V = np.asarray(values, dtype=np.float64)
    weights_V = np.ones_like(values_V) if weights is None else np.asarray(weights, np.float64)
    mean = float(weighted_mean(values_V, weights_V))
    largest = float(np.abs(values_V).max())
    if np.ptp(values_V) <= 1e-12 * largest:
        return Interval(mean, mean)

    def statistic(values: Floats, weights: Floats, axis: int = -1) -> Floats:
        found = weighted_mean(values, weights, axis)
        return np.where(np.abs(found - mean) <= TIE * largest, mean, found)

    for method in ("BCa", "percentile"):
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore", stats.DegenerateDataWarning)
            found = stats.bootstrap(
                (values_V, weights_V),
                statistic,
                paired=True,
                vectorized=True,
                n_resamples=resamples,
                batch=at_once(len(values_V)),
                confidence_level=confidence,
                method=method,
                rng=np.random.default_rng(seed),
            ).confidence_interval
        if np.isfinite(found.low) and np.isfinite(found.high):
            return Interval(float(found.low), float(found.high))
    return Interval(mean, mean)

"""Kernel temporal segmentation: where one shot ends and the next begins.

Shapes: T samples (frames), D feature width, S shots.

Source: Potapov et al. 2014, "Category-specific video summarization", with a linear kernel. Over T
samples it wants the number of change points m that minimises

    scatter(m) / T + g(m),    g(m) = penalty · m / (2T) · (ln(T / m) + 1),    g(0) = 0,

where scatter(m) is the least sum of squared distances to the segments' means that m change points
can reach. The plain dynamic programme fills scatter(m) for each m in turn, T³/2 steps in all.

g is concave. Between two neighbouring vertices of the lower convex hull of scatter, the objective
is at least a line plus g, which is concave and so least at an end: the best m is always a vertex of
the hull. A vertex is what minimises scatter + rate · m for some rate, which one pass of T²/2 steps
finds whatever m turns out to be. So the hull is refined only where it can still hold something
better: some tens of passes instead of T, and the same answer.

Where the number of shots is given (`fixed`), only scatter counts, and the plain programme is run up
to that number.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stages.errors import UserError

Floats = npt.NDArray[np.float64]


def change_points(
    features: npt.ArrayLike, max_shots: int | None = None, penalty: float = 1.0
) -> npt.NDArray[np.int64]:
    """Shots (S, 2) of features (T, D): inclusive [start, end] indices into `features`.

    The features are taken as they are, and the penalty is in their squared unit: 1 suits rows of
    unit length. A larger penalty means fewer shots; `max_shots` limits them besides. Among equally
    good numbers of shots the smallest is taken. Memory is one (T, T) float64 matrix.

    Raises UserError for features that are empty, not two-dimensional or not finite, a negative
    penalty, or max_shots below 1.
    """
    features_TD = _checked(features)
    if not 0 <= penalty < np.inf:
        raise UserError(f"segmentation: the penalty must be a number from 0 up, got {penalty}")
    if max_shots is not None and max_shots < 1:
        raise UserError(f"segmentation: max_shots must be at least 1, got {max_shots}")

    scatter_TT = _scatter(features_TD)
    starts = _best_starts(scatter_TT, penalty)
    if max_shots is not None and len(starts) > max_shots:
        starts = _limited_starts(scatter_TT, penalty, max_shots)
    return _rows(starts, len(features_TD))


def fixed(features: npt.ArrayLike, shots: int) -> npt.NDArray[np.int64]:
    """The best S = `shots` shots (S, 2) of features (T, D): inclusive [start, end] indices.

    T shots of one sample each where more are asked for than there are samples. It takes
    shots · T² / 2 steps, done a sample at a time for all numbers of shots at once.

    Raises UserError for features that are empty, not two-dimensional or not finite, or shots below
    1.
    """
    features_TD = _checked(features)
    if shots < 1:
        raise UserError(f"segmentation: there must be at least 1 shot, got {shots}")
    wanted = min(shots, len(features_TD))
    _, start_of = _programme(_scatter(features_TD), wanted)
    return _rows(_traced(start_of, wanted), len(features_TD))


def _checked(features: npt.ArrayLike) -> Floats:
    features_TD = np.asarray(features, dtype=np.float64)
    if features_TD.ndim != 2 or 0 in features_TD.shape:
        raise UserError(
            "segmentation wants features of shape (frames, width), neither zero; got "
            f"{features_TD.shape}"
        )
    if not np.isfinite(features_TD).all():
        frame = int(np.argwhere(~np.isfinite(features_TD))[0, 0])
        raise UserError(f"segmentation: the features of frame {frame} hold NaN or infinity")
    return features_TD


def _rows(starts: list[int], count: int) -> npt.NDArray[np.int64]:
    """Inclusive [start, end] of shots that begin at `starts` and cover `count` samples."""
    bounds = np.array([*starts, count], dtype=np.int64)
    return np.column_stack([bounds[:-1], bounds[1:] - 1])


def _scatter(features_TD: Floats) -> Floats:
    """Row t, column s <= t: squared distances of samples s..t to their mean, summed. (T, T)

    |sum of s..t|² is a squared distance between cumulative sums, so one product gives them all.
    """
    count, width = features_TD.shape
    centred_TD = features_TD - features_TD.mean(axis=0)
    sums = np.zeros((count + 1, width))
    np.cumsum(centred_TD, axis=0, out=sums[1:])
    squares = np.zeros(count + 1)
    np.cumsum(np.einsum("td,td->t", centred_TD, centred_TD), out=squares[1:])

    scatter_TT: Floats = sums[1:] @ sums[:-1].T
    norms = np.einsum("td,td->t", sums, sums)
    index = np.arange(count)
    # What rounding leaves of a run of identical samples must be 0, or the noise would be segmented.
    noise = 8 * np.finfo(np.float64).eps * (norms.max() + squares[-1])
    for last in range(count):
        row = scatter_TT[last, : last + 1]
        row *= 2
        row -= norms[last + 1] + norms[: last + 1]
        row /= last + 1 - index[: last + 1]
        row += squares[last + 1] - squares[: last + 1]
        row[row < noise] = 0
    return scatter_TT


def _complexity(count: int, changes: npt.ArrayLike, penalty: float) -> Floats:
    """g(m) of the module's docstring, for real m in 0..T."""
    changes = np.asarray(changes, dtype=np.float64)
    logarithm = np.log(count / np.where(changes > 0, changes, count))
    return np.asarray(penalty * changes / (2 * count) * (logarithm + 1))


@dataclass(frozen=True)
class _Vertex:
    """A vertex of the hull: `rate` is the slope, downward, of a line under all of scatter."""

    changes: int
    scatter: float
    rate: float
    starts: list[int]


def _pass(scatter_TT: Floats, rate: float) -> _Vertex:
    """The segmentation with the least scatter + rate · (number of change points)."""
    count = len(scatter_TT)
    best = np.empty(count + 1)
    best[0] = -rate
    start_of = np.empty(count, dtype=np.int64)
    for last in range(count):
        totals = best[: last + 1] + scatter_TT[last, : last + 1]
        cheapest = totals.argmin()
        start_of[last] = cheapest
        best[last + 1] = totals[cheapest] + rate
    starts: list[int] = []
    end, scatter = count, 0.0
    while end > 0:
        start = int(start_of[end - 1])
        scatter += float(scatter_TT[end - 1, start])
        starts.append(start)
        end = start
    return _Vertex(len(starts) - 1, scatter, rate, starts[::-1])


def _best_starts(scatter_TT: Floats, penalty: float) -> list[int]:
    """The first sample of each shot at the optimum, by refining the hull from its two ends."""
    count = len(scatter_TT)

    def cost(vertex: _Vertex) -> tuple[float, int]:
        complexity = float(_complexity(count, vertex.changes, penalty))
        return vertex.scatter / count + complexity, vertex.changes

    left = _Vertex(0, float(scatter_TT[-1, 0]), np.inf, [0])
    right = _Vertex(count - 1, 0.0, 0.0, list(range(count)))
    best = min(left, right, key=cost)
    tolerance = 1e-12 * left.scatter
    gaps = [(left, right)]
    while gaps:
        left, right = gaps.pop()
        width = right.changes - left.changes
        if width < 2:
            continue
        # Both lines lie under the scatter; with g added, least at the ends or where they cross.
        fall = left.scatter - right.scatter - right.rate * width
        cross = 0.0 if np.isinf(left.rate) else fall / max(left.rate - right.rate, 1e-300)
        at = left.changes + min(max(cross, 0.0), width)
        floor = right.scatter + right.rate * (right.changes - at)
        if floor / count + float(_complexity(count, at, penalty)) > cost(best)[0]:
            continue
        rate = (left.scatter - right.scatter) / width
        middle = _pass(scatter_TT, rate)
        chord = left.scatter - rate * (middle.changes - left.changes)
        if left.changes < middle.changes < right.changes and middle.scatter < chord - tolerance:
            best = min(best, middle, key=cost)
            gaps += [(left, middle), (middle, right)]
    return best.starts


def _programme(scatter_TT: Floats, most: int) -> tuple[Floats, npt.NDArray[np.int64]]:
    """The plain dynamic programme, for 1 to `most` shots of the first 1 to T samples.

    Row m is of m + 1 shots, column t of the first t samples: the least scatter, infinite where
    there are fewer samples than shots, and where the last of the shots begins.
    """
    count = len(scatter_TT)
    least = np.full((most, count + 1), np.inf)
    start_of = np.zeros((most, count + 1), dtype=np.int64)
    for end in range(1, count + 1):
        row = scatter_TT[end - 1, :end]
        least[0, end] = row[0]
        totals = least[:-1, :end] + row
        start_of[1:, end] = totals.argmin(axis=1)
        least[1:, end] = totals.min(axis=1)
    return least, start_of


def _traced(start_of: npt.NDArray[np.int64], shots: int) -> list[int]:
    """The first sample of each of `shots` shots over all samples."""
    starts: list[int] = []
    end = start_of.shape[1] - 1
    for row in range(shots - 1, -1, -1):
        end = int(start_of[row, end])
        starts.append(end)
    return starts[::-1]


def _limited_starts(scatter_TT: Floats, penalty: float, max_shots: int) -> list[int]:
    """The first sample of each shot where at most `max_shots` may be: m = 0 .. max_shots - 1."""
    count = len(scatter_TT)
    least, start_of = _programme(scatter_TT, max_shots)
    costs = least[:, count] / count + _complexity(count, np.arange(max_shots), penalty)
    return _traced(start_of, int(costs.argmin()) + 1)

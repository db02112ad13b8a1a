"""Kernel temporal segmentation beside the plain dynamic programme over every number of shots.

Shapes: T samples, D feature width, S shots.
"""

import math
from collections.abc import Sequence
from functools import partial

import numpy as np
import numpy.typing as npt
from rich.table import Table

from stages.benchmarking.timing import interleaved
from stages.errors import UserError
from stages.summaries.kts import change_points

WIDTH, NOISE = 128, 0.6
LONGEST_SHOT = 60

Floats = npt.NDArray[np.float64]


def features(count: int, seed: int = 0) -> Floats:
    """Rows of unit length (T, D): shots of 5 to 60 samples, each a direction with noise."""
    random = np.random.default_rng([seed, count])
    rows: list[Floats] = []
    while len(rows) < count:
        direction_D = random.normal(size=WIDTH)
        for _ in range(random.integers(5, LONGEST_SHOT + 1)):
            rows.append(direction_D + NOISE * random.normal(size=WIDTH))
    features_TD = np.array(rows[:count])
    return np.asarray(features_TD / np.linalg.norm(features_TD, axis=1, keepdims=True))


def plain_change_points(features_TD: Floats, penalty: float = 1.0) -> npt.NDArray[np.int64]:
    """Shots (S, 2) by the textbook: T³/6 comparisons, a numpy row at a time.

    The scatter of every segment from cumulative sums of the Gram matrix; the least total for
    every number of change points in turn; then the number with the least penalised objective.
    """
    count = len(features_TD)
    gram_TT = features_TD @ features_TD.T
    block = np.zeros((count + 1, count + 1))
    block[1:, 1:] = gram_TT.cumsum(0).cumsum(1)
    diagonal = np.concatenate([[0], np.diag(gram_TT).cumsum()])
    scatter = np.full((count, count + 1), np.inf)  # of samples start..end-1
    for start in range(count):
        ends = np.arange(start + 1, count + 1)
        totals = block[ends, ends] - 2 * block[start, ends] + block[start, start]
        scatter[start, ends] = diagonal[ends] - diagonal[start] - totals / (ends - start)
    by_end = np.ascontiguousarray(scatter.T)
    least = np.full((count, count + 1), np.inf)
    came_from = np.zeros((count, count + 1), dtype=np.int32)
    least[0] = scatter[0]
    for changes in range(1, count):
        for end in range(changes + 1, count + 1):
            totals = least[changes - 1, changes:end] + by_end[end, changes:end]
            cheapest = totals.argmin()
            came_from[changes, end] = changes + cheapest
            least[changes, end] = totals[cheapest]
    cost = [least[0, count] / count]
    for changes in range(1, count):
        complexity = changes / (2 * count) * (math.log(count / changes) + 1)
        cost.append(least[changes, count] / count + penalty * complexity)
    end, shots = count, []
    for changes in range(int(np.argmin(cost)), -1, -1):
        start = int(came_from[changes, end])
        shots.append((start, end - 1))
        end = start
    return np.array(shots[::-1], dtype=np.int64)


def measure(sizes: Sequence[int], rounds: int) -> Table:
    """Seconds of both for every number of samples, best of the rounds.

    Raises UserError for a size below 2, and where the two do not find the same shots.
    """
    if min(sizes) < 2:
        raise UserError(f"a segmentation of {min(sizes)} samples measures nothing; at least 2")
    table = Table("samples", "shots", "plain, s", "ours, s", "times", title="kernel segmentation")
    for count in sizes:
        features_TD = features(count)
        seconds, found = interleaved(
            {
                "plain": partial(plain_change_points, features_TD),
                "ours": partial(change_points, features_TD),
            },
            rounds,
        )
        if not np.array_equal(found["plain"], found["ours"]):
            raise UserError(f"{count} samples: the two segmentations differ")
        shots, plain, ours = len(found["ours"]), seconds["plain"], seconds["ours"]
        table.add_row(str(count), str(shots), f"{plain:.3f}", f"{ours:.4f}", f"{plain / ours:.0f}")
    return table

"""Slow and obvious versions of what stages.summaries does, for tests to compare with."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


def slow_upsample(scores: Sequence[float], picks: Sequence[int], n_frames: int) -> list[float]:
    """Each frame asks which pick came last before it."""
    frames = []
    for frame in range(n_frames):
        before = [score for score, pick in zip(scores, picks, strict=True) if pick <= frame]
        frames.append(float(before[-1]) if before else 0.0)
    return frames


def slow_keyshots(
    scores: Sequence[float],
    picks: Sequence[int],
    n_frames: int,
    shots: Sequence[tuple[int, int]],
    budget: float,
) -> list[bool]:
    """Shot means and a table of best values indexed by (items considered, room)."""
    frames = slow_upsample(scores, picks, n_frames)
    room = math.floor(budget * n_frames)
    values = [float(np.mean(frames[start : end + 1])) for start, end in shots]
    lengths = [end - start + 1 for start, end in shots]
    best = {(0, size): 0.0 for size in range(room + 1)}
    for item, (value, length) in enumerate(zip(values, lengths, strict=True)):
        for size in range(room + 1):
            without = best[item, size]
            fits = length <= size
            best[item + 1, size] = (
                max(without, best[item, size - length] + value) if fits else without
            )
    shown = [False] * n_frames
    for item in range(len(values), 0, -1):
        if best[item, room] != best[item - 1, room]:
            start, end = shots[item - 1]
            shown[start : end + 1] = [True] * (end - start + 1)
            room -= lengths[item - 1]
    return shown


def slow_change_points(
    features: npt.NDArray[np.float64], max_shots: int | None, penalty: float
) -> npt.NDArray[np.int64]:
    """Kernel temporal segmentation by the straightforward dynamic programme.

    The scatter of every segment from the cumulative sums of the Gram matrix, the least total for
    every number of change points, then the number by the penalised objective.
    """
    count = len(features)
    gram = features @ features.T
    block = np.zeros((count + 1, count + 1))
    block[1:, 1:] = gram.cumsum(0).cumsum(1)
    diagonal = np.concatenate([[0], np.diag(gram).cumsum()])
    scatter = np.full((count, count), np.inf)
    for start in range(count):
        for last in range(start, count):
            end = last + 1
            total = block[end, end] - block[start, end] - block[end, start] + block[start, start]
            scatter[start, last] = diagonal[end] - diagonal[start] - total / (end - start)
    most = min(count, max_shots or count)
    least = np.full((most, count + 1), np.inf)
    came_from = np.zeros((most, count + 1), dtype=int)
    least[0, 1:] = scatter[0]
    for changes in range(1, most):
        for end in range(changes + 1, count + 1):
            totals = least[changes - 1, changes:end] + scatter[changes:end, end - 1]
            came_from[changes, end] = changes + totals.argmin()
            least[changes, end] = totals.min()
    cost = [least[0, count] / count]
    for changes in range(1, most):
        complexity = changes / (2 * count) * (math.log(count / changes) + 1)
        cost.append(least[changes, count] / count + penalty * complexity)
    end, shots = count, []
    for changes in range(int(np.argmin(cost)), -1, -1):
        start = int(came_from[changes, end])
        shots.append((start, end - 1))
        end = start
    return np.array(shots[::-1])


def objective(
    features: npt.NDArray[np.float64], shots: npt.NDArray[np.int64], penalty: float
) -> float:
    """What kernel temporal segmentation minimises, straight from its definition."""
    count, changes = len(features), len(shots) - 1
    inner = 0.0
    for start, end in shots.tolist():
        segment = features[start : end + 1]
        inner += float(((segment - segment.mean(axis=0)) ** 2).sum())
    if changes == 0:
        return inner / count
    return inner / count + penalty * changes / (2 * count) * (math.log(count / changes) + 1)

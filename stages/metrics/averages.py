"""Marks of single videos averaged over seeds, videos and splits, with intervals over videos.

Shapes: R trials (training seeds, or draws of a random row), C appearances of a video among the
splits' test sets, V videos, K splits; the axis of 3 is the marks that `names` names.

The average is the release's: users, then the videos of a split, then splits, and here seeds last.
Each appearance of a video therefore weighs 1 / (splits · videos of that split). What does not
depend on the split has C = 1.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from stages.artifacts.predictions import Splits
from stages.metrics.intervals import bootstrap, weighted_mean

Floats = npt.NDArray[np.float64]


class Figure(NamedTuple):
    """A mean over videos with its interval, None where there is one video; spread is the standard
    deviation over trials, None where there is one trial.
    """

    mean: float
    low: float | None
    high: float | None
    spread: float | None


def video_weights(splits: Splits) -> dict[str, Floats]:
    """For each tested video, the weights (C,) of its appearances; over all videos they sum to 1."""
    weights: dict[str, list[float]] = {}
    for split in splits:
        for video in split:
            weights.setdefault(video, []).append(1 / (len(splits) * len(split)))
    shared: dict[tuple[float, ...], Floats] = {}
    return {
        video: shared.setdefault(tuple(each), np.array(each)) for video, each in weights.items()
    }


def trials(marks: Mapping[str, Floats], splits: Splits) -> tuple[Floats, Floats]:
    """Marks of each trial and video (R, V, 3), over appearances, and the videos' weights (V,)."""
    weights = video_weights(splits)
    marks_VR3 = []
    for video, weights_C in weights.items():
        marks_RC3 = marks[video]
        shape = (len(marks_RC3), len(weights_C), marks_RC3.shape[-1])
        full_RC3 = np.broadcast_to(marks_RC3, shape)
        marks_VR3.append(weighted_mean(full_RC3, weights_C[:, None], axis=1))
    return np.stack(marks_VR3, axis=1), np.array([each.sum() for each in weights.values()])


def figures(
    marks: Mapping[str, Floats],
    names: Sequence[str],
    splits: Splits,
    confidence: float,
    resamples: int,
) -> dict[str, Figure]:
    """The figure for each mark, by name, of a row's marks (R, C, 3) by video."""
    marks_RV3, weights_V = trials(marks, splits)
    by_trial_R3 = weighted_mean(marks_RV3, weights_V[:, None], axis=1)
    by_video_V3 = marks_RV3.mean(axis=0)
    found = {}
    for index, name in enumerate(names):
        low, high = None, None
        if len(by_video_V3) > 1:
            low, high = bootstrap(
                by_video_V3[:, index], weights_V, confidence=confidence, resamples=resamples
            )
        spread = float(by_trial_R3[:, index].std(ddof=1)) if len(by_trial_R3) > 1 else None
        found[name] = Figure(float(by_trial_R3[:, index].mean()), low, high, spread)
    return found


def appearances(marks: Mapping[str, Floats], splits: Splits) -> Iterator[dict[str, Floats]]:
    """Each split's test videos, by name, with their marks of each trial there (R, 3)."""
    appeared: Counter[str] = Counter()
    for split in splits:
        found = {}
        for video in split:
            marks_RC3 = marks[video]
            found[video] = marks_RC3[:, appeared[video] if marks_RC3.shape[1] > 1 else 0]
            appeared[video] += 1
        yield found


def by_split(
    marks: Mapping[str, Floats], names: Sequence[str], splits: Splits
) -> dict[str, Floats]:
    """The mean over the videos of each split (K,), over trials, by mark."""
    means_K3 = [
        np.mean([marks_R3.mean(axis=0) for marks_R3 in found.values()], axis=0)
        for found in appearances(marks, splits)
    ]
    return dict(zip(names, np.transpose(means_K3), strict=True))

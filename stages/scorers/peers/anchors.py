"""Anchor-based proposals: intervals of set lengths around each frame, moved and stretched.

Shapes: T frames, S scales, I intervals that people chose.

Source: DSNet, section III-A, and its code where the paper is silent. An anchor of scale s at frame
t is [t - s/2, t + s/2). An offset (o, w) moves its centre by o·s and makes it e^w times as long.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from stages.scorers.peers.intervals import Floats, overlaps, runs

_POSITIVE = 0.6
"""An anchor that overlaps a chosen interval by more than this is to be proposed."""
_INCOMPLETE = 0.3
"""One that meets chosen intervals and overlaps none by more than this is to be left."""
_APART, _POOR = 2, 1
"""For each anchor to be proposed, how many are drawn that meet nothing chosen, and how many that
overlap too little.
"""


def anchors(frames: int, scales: Sequence[int]) -> Floats:
    """Edges of every anchor, (T, S, 2)."""
    place_T11 = np.arange(frames, dtype=np.float64)[:, None, None]
    half_S1 = np.array(scales, dtype=np.float64)[:, None] / 2
    found: Floats = place_T11 + half_S1 * np.array([-1.0, 1.0])
    return found


def placed(offsets_TS2: npt.NDArray[np.float32], scales: Sequence[int]) -> Floats:
    """The intervals that offsets make of the anchors, (T · S, 2), in float32 as its code has."""
    place_T1 = np.arange(len(offsets_TS2), dtype=np.float64)[:, None]
    scales_S = np.array(scales, dtype=np.float64)
    centres_TS = (offsets_TS2[..., 0] * scales_S + place_T1).astype(np.float32)
    widths_TS = (np.exp(offsets_TS2[..., 1]) * scales_S).astype(np.float32)
    edges = np.stack([centres_TS - widths_TS / 2, centres_TS + widths_TS / 2], axis=-1)
    return edges.reshape(-1, 2)


def labels(
    chosen_T: npt.NDArray[np.bool_], scales: Sequence[int], generator: torch.Generator
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """What each anchor is to be, and the offsets of those to be proposed.

    Args:
        chosen_T: what people chose.
        scales: of the anchors.
        generator: what the anchors to be left are drawn with.

    Returns:
        (T, S): 1 to be proposed, -1 to be left, 0 neither; (T, S, 2): offsets where 1, else 0.
    """
    edges_TS2 = anchors(len(chosen_T), scales)
    best_TS = np.zeros(edges_TS2.shape[:2])
    label_TS = np.zeros(edges_TS2.shape[:2], dtype=np.int64)
    offsets_TS2 = np.zeros(edges_TS2.shape, dtype=np.float32)
    place_T1, scales_S = np.arange(len(chosen_T))[:, None], np.array(scales)
    for interval in runs(chosen_T).astype(np.float64):
        overlap_TS = overlaps(edges_TS2, interval)
        best_TS = np.maximum(best_TS, overlap_TS)
        near_TS = overlap_TS > _POSITIVE
        label_TS[near_TS] = 1
        moved_TS = (interval.mean() - place_T1) / scales_S
        stretched_TS = np.broadcast_to(np.log(np.ptp(interval) / scales_S), moved_TS.shape)
        offsets_TS2[near_TS] = np.stack([moved_TS, stretched_TS], axis=-1)[near_TS]
    positive = int(label_TS.sum())
    apart_TS, poor_TS = best_TS == 0, (best_TS > 0) & (best_TS <= _INCOMPLETE)
    for candidates_TS, count in (apart_TS, _APART * positive), (poor_TS, _POOR * positive):
        places = np.flatnonzero(candidates_TS)
        drawn = torch.randperm(len(places), generator=generator)[:count].numpy()
        label_TS.reshape(-1)[places[drawn]] = -1
    return label_TS, offsets_TS2


def loss(logits_TS: Tensor, offsets_TS2: Tensor, label_TS: Tensor, wanted_TS2: Tensor) -> Tensor:
    """The mean negative log likelihood of both kinds of anchors, halved, and the smooth distance
    of offsets, a mean over those to be proposed; 0 where no anchor is.

    Args:
        logits_TS, offsets_TS2: as proposed; a sigmoid makes a logit its probability.
        label_TS, wanted_TS2: as `labels`.
    """
    positive_TS = label_TS == 1
    if not bool(positive_TS.any()):
        return 0 * logits_TS.sum()
    taken = -functional.logsigmoid(logits_TS[positive_TS]).mean()
    left_TS = label_TS == -1
    left = -functional.logsigmoid(-logits_TS[left_TS]).mean() if bool(left_TS.any()) else 0
    place = functional.smooth_l1_loss(offsets_TS2[positive_TS], wanted_TS2[positive_TS])
    return (taken + left) / 2 + place

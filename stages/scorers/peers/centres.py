"""Anchor-free proposals: how far each frame's own interval reaches, and how central the frame is.

Shapes: T frames.

Source: DSNet, section III-B, and its code where the paper is silent.
"""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from stages.scorers.peers.intervals import Floats, runs

_FOCUS = 2
"""The power of the focal loss (γ)."""
_EPSILON = 1e-8


def placed(reach_T2: npt.NDArray[np.float32]) -> Floats:
    """The interval of each frame that reaches so far to its left and its right, (T, 2)."""
    place_T = np.arange(len(reach_T2))
    return np.stack([place_T - reach_T2[:, 0], place_T + reach_T2[:, 1] + 1], axis=1)


def reaches(chosen_T: npt.NDArray[np.bool_]) -> npt.NDArray[np.float32]:
    """How far the interval around each chosen frame reaches to both sides, (T, 2), 0 elsewhere."""
    found_T2 = np.zeros((len(chosen_T), 2), dtype=np.float32)
    for left, right in runs(chosen_T):
        place = np.arange(left, right)
        found_T2[left:right] = np.stack([place - left, right - 1 - place], axis=1)
    return found_T2


def centrality(reach_T2: Tensor) -> Tensor:
    """1 in an interval's middle and 0 at its edges: the lesser reach by the greater, (T,)."""
    return reach_T2.amin(1) / (reach_T2.amax(1) + _EPSILON)


def focal(logits_T: Tensor, chosen_T: Tensor) -> Tensor:
    """Focal loss of each frame's being chosen, (T,): -(1 - p)² ln p of what is right.

    Its code weighs both classes by α and 1 - α and then adds the two up for each frame, so that α
    falls out.

    Args:
        logits_T: as proposed; a sigmoid makes them probabilities.
        chosen_T: bool, what people chose.
    """
    right_T = torch.where(chosen_T, logits_T, -logits_T)
    return -((1 - right_T.sigmoid()) ** _FOCUS) * functional.logsigmoid(right_T)


def placing(reach_T2: Tensor, centre_T: Tensor, chosen_T: Tensor, wanted_T2: Tensor) -> Tensor:
    """-ln of the soft overlap and the entropy of how central, means over what is chosen; 0 where
    nothing is.

    Args:
        reach_T2: as proposed.
        centre_T: as proposed; a sigmoid makes them 0 to 1.
        chosen_T: bool, what people chose.
        wanted_T2: as `reaches`.
    """
    if not bool(chosen_T.any()):
        return 0 * reach_T2.sum()
    proposed, wanted = reach_T2[chosen_T], wanted_T2[chosen_T]
    shared = torch.minimum(proposed, wanted).sum(1)
    whole = proposed.sum(1) + wanted.sum(1) - shared
    overlap = shared.clamp(min=0) / torch.where(whole > 0, whole, _EPSILON)
    middle = functional.binary_cross_entropy_with_logits(centre_T[chosen_T], centrality(wanted))
    return middle - (overlap + _EPSILON).log().mean()


def loss(
    logits_T: Tensor, reach_T2: Tensor, centre_T: Tensor, chosen_T: Tensor, wanted_T2: Tensor
) -> Tensor:
    """DSNet's: `focal`, a sum over all frames by how many are chosen, and `placing`; 0 where
    nothing is chosen.
    """
    if not bool(chosen_T.any()):
        return 0 * logits_T.sum()
    focal_T = focal(logits_T, chosen_T)
    return focal_T.sum() / chosen_T.sum() + placing(reach_T2, centre_T, chosen_T, wanted_T2)

"""Which videos train and which test."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stages.datasets.annotations import natural
from stages.errors import UserError


@dataclass(frozen=True)
class Split:
    """Names of the videos to train on and to test on, each in natural order."""

    train: tuple[str, ...]
    test: tuple[str, ...]


def strict(names: Sequence[str], folds: int, seed: int = 0) -> list[Split]:
    """Folds that test every video exactly once; their sizes differ by one video at most.

    The same names, in whatever order, folds and seed give the same splits. Raises UserError
    where there are fewer videos than folds, or a name occurs twice.
    """
    ordered = sorted(names, key=natural)
    if len(set(ordered)) != len(ordered):
        raise UserError("splits: a video is named twice")
    if not 2 <= folds <= len(ordered):
        raise UserError(
            f"splits: {folds} folds cannot be made of {len(ordered)} videos; set train.folds in "
            f"params.yaml to 2 to {len(ordered)}"
        )
    shuffled = np.random.default_rng(seed).permutation(len(ordered))
    splits = []
    for fold in np.array_split(shuffled, folds):
        tested = set(fold.tolist())
        splits.append(
            Split(
                train=tuple(name for index, name in enumerate(ordered) if index not in tested),
                test=tuple(name for index, name in enumerate(ordered) if index in tested),
            )
        )
    return splits

"""The trained models' scores as the train stage leaves them, checked against the videos.

Shapes: T sampled frames.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import numpy.typing as npt

from stages.datasets.annotations import natural
from stages.errors import UserError

Splits = tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Predictions:
    """One model under one protocol: `scores[seed][split][video]` are (T,), and the test videos
    of each split, the same for every seed.
    """

    protocol: str
    splits: Splits
    scores: dict[str, list[dict[str, npt.NDArray[np.float64]]]]


def read(path: Path, lengths: Mapping[str, int]) -> Predictions:
    """Read a predictions file: /{protocol}/seed_{s}/split_{k}/{video}, each (T,).

    lengths are the sampled frames of every annotated video. Raises UserError, naming the file,
    where it is missing or unreadable, where seeds do not share their splits, a video is unknown,
    has another number of scores or a NaN, or, under the protocol "strict", is not tested exactly
    once a seed.
    """
    again = "run the train stage again (`dvc repro`)"
    try:
        with h5py.File(path) as file:
            protocols = list(file)
            if len(protocols) != 1:
                found = ", ".join(protocols) or "none"
                raise UserError(f"{path}: expected one protocol, found {found}; {again}")
            seeds = file[protocols[0]]
            scores = {
                seed: [
                    _split(path, seeds[seed][split], lengths)
                    for split in sorted(seeds[seed], key=natural)
                ]
                for seed in sorted(seeds, key=natural)
            }
    except (OSError, AttributeError, TypeError) as error:  # a dataset where a group should be
        raise UserError(f"{path}: cannot be read as predictions ({error}); {again}") from error
    if not scores or not all(of_seed and all(of_seed) for of_seed in scores.values()):
        raise UserError(f"{path}: a seed or split holds no scores; {again}")

    first = next(iter(scores))
    splits = tuple(tuple(split) for split in scores[first])
    for seed, of_seed in scores.items():
        if tuple(tuple(split) for split in of_seed) != splits:
            raise UserError(f"{path}: {seed} and {first} tested different videos; {again}")
    if protocols[0] == "strict":
        tested = [video for split in splits for video in split]
        for video in lengths:
            if tested.count(video) != 1:
                raise UserError(
                    f"{path}: {video} is tested {tested.count(video)} times a seed, and the "
                    f"protocol strict tests each video once; {again}"
                )
    return Predictions(protocols[0], splits, scores)


def _split(
    path: Path, group: h5py.Group, lengths: Mapping[str, int]
) -> dict[str, npt.NDArray[np.float64]]:
    scores = {}
    for video in sorted(group, key=natural):
        scores_T = np.asarray(group[video], dtype=np.float64)
        where = f"{path}: {group.name}/{video}"
        if video not in lengths:
            raise UserError(f"{where} is not among the annotated videos; run the train stage again")
        if scores_T.shape != (lengths[video],):
            raise UserError(
                f"{where} has {scores_T.size} scores and the video {lengths[video]} sampled "
                "frames; run the train stage again"
            )
        if not np.isfinite(scores_T).all():
            raise UserError(
                f"{where} holds NaN: training fell apart; try a smaller train.lr in params.yaml"
            )
        scores[video] = scores_T
    return scores

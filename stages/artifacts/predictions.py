"""The trained models' scores as the train stage leaves them, checked against the videos.

Shapes: T sampled frames.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import numpy.typing as npt

from stages.artifacts.names import natural
from stages.errors import UserError

Splits = tuple[tuple[str, ...], ...]
Scores = dict[str, list[dict[str, npt.NDArray[np.float64]]]]


@dataclass(frozen=True)
class Predictions:
    """One model under one protocol: `scores[seed][split][video]` are (T,), and the test videos
    of each split, the same for every seed.
    """

    protocol: str
    splits: Splits
    scores: Scores


_AGAIN = "run the train stage again (`dvc repro`)"


def read(
    path: Path, lengths: Mapping[str, int], protocols: Sequence[str]
) -> dict[str, Predictions]:
    """Read a predictions file, /{protocol}/seed_{s}/split_{k}/{video}, each (T,), by protocol.

    lengths are the sampled frames of every annotated video; protocols those wanted, in the order
    wanted. Raises UserError, naming the file, where it is missing or unreadable, lacks a
    protocol, where seeds do not share their splits, a video is unknown, has another number of
    scores or a NaN, or, under the protocol "strict", is not tested exactly once a seed.
    """
    found = {}
    try:
        with h5py.File(path) as file:
            for protocol in protocols:
                if protocol not in file:
                    there = ", ".join(file) or "none"
                    raise UserError(
                        f"{path}: lacks the protocol {protocol}, found {there}; {_AGAIN}"
                    )
                seeds = file[protocol]
                found[protocol] = {
                    seed: [
                        _split(path, seeds[seed][split], lengths)
                        for split in sorted(seeds[seed], key=natural)
                    ]
                    for seed in sorted(seeds, key=natural)
                }
    except (OSError, AttributeError, TypeError) as error:  # a dataset where a group should be
        raise UserError(f"{path}: cannot be read as predictions ({error}); {_AGAIN}") from error
    return {
        protocol: _predictions(path, protocol, scores, lengths)
        for protocol, scores in found.items()
    }


def _predictions(
    path: Path, protocol: str, scores: Scores, lengths: Mapping[str, int]
) -> Predictions:
    if not scores or not all(of_seed and all(of_seed) for of_seed in scores.values()):
        raise UserError(f"{path}: a seed or split of {protocol} holds no scores; {_AGAIN}")
    first = next(iter(scores))
    splits = tuple(tuple(split) for split in scores[first])
    for seed, of_seed in scores.items():
        if tuple(tuple(split) for split in of_seed) != splits:
            raise UserError(
                f"{path}: {seed} and {first} of {protocol} tested different videos; {_AGAIN}"
            )
    if protocol == "strict":
        tested = [video for split in splits for video in split]
        for video in lengths:
            if tested.count(video) != 1:
                raise UserError(
                    f"{path}: {video} is tested {tested.count(video)} times a seed, and the "
                    f"protocol strict tests each video once; {_AGAIN}"
                )
    return Predictions(protocol, splits, scores)


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


def kept_epochs(path: Path) -> dict[tuple[str, int, int], float]:
    """The epoch whose weights a run's scores are of, by protocol, seed and split.

    Raises UserError where the file is missing or unreadable, or a run names no epoch.
    """
    try:
        with h5py.File(path) as file:
            return {
                (protocol, _number(seed), _number(split)): float(group.attrs["epoch"])
                for protocol, seeds in file.items()
                for seed, splits in seeds.items()
                for split, group in splits.items()
            }
    except (OSError, KeyError, AttributeError, ValueError) as error:
        raise UserError(f"{path}: cannot be read as predictions ({error}); {_AGAIN}") from error


def _number(name: str) -> int:
    """5 of seed_5 or split_5."""
    return int(name.rpartition("_")[2])

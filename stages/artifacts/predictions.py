"""A row's scores, run by run: one HDF5 file, /{protocol}/seed_{s}/split_{k}/{video}, each (T,).

Shapes: T sampled frames, R seeds, C splits that test a video.

The group of a run has the attribute `epoch`: the one whose weights gave the scores. Scores that
nobody trained have none. The file has the attribute `settings`, JSON of how its scorers learnt;
that of a row which could not be fed has the attribute `left_out`, and nothing else. A fine-tuned
row's file is like it, with the protocols of its own that it was tuned under.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from stages.artifacts import hdf5
from stages.artifacts.names import natural
from stages.artifacts.places import FINETUNED
from stages.errors import UserError, anew
from stages.work.ragged import RaggedByName

Splits = tuple[tuple[str, ...], ...]
Scores = dict[str, list[Mapping[str, npt.NDArray[np.float64]]]]
Epochs = dict[str, list[float | None]]


@dataclass(frozen=True, eq=False)
class Run:
    """One seed on one split: `scores[video]` (T,) in 0..1 of the test videos, by the weights of
    `epoch`, None where none were trained.
    """

    protocol: str
    seed: int
    split: int
    epoch: float | None
    scores: Mapping[str, npt.NDArray[np.float32]]

    @property
    def place(self) -> str:
        return place(self.protocol, self.seed, self.split)


@dataclass(frozen=True)
class Predictions:
    """One model under one protocol: `scores[seed][split][video]` are (T,), the test videos of
    each split, the same for every seed, and `epochs[seed][split]`, None where nothing was trained.
    """

    protocol: str
    splits: Splits
    scores: Scores
    epochs: Epochs

    def of_video(self, video: str) -> npt.NDArray[np.float64]:
        """One video's scores (R, C, T)."""
        return np.array(
            [
                [split[video] for split in of_seed if video in split]
                for of_seed in self.scores.values()
            ]
        )


def _again(path: Path) -> str:
    """The stage that makes a file of scores, by where it lies (`places.Places`)."""
    return anew("finetune" if path.parent.name == FINETUNED else "train")


def place(protocol: str, seed: int, split: int) -> str:
    """Where a run is kept, within predictions and within a row's folder of checkpoints."""
    return f"{protocol}/seed_{seed}/split_{split}"


def tested(splits: Splits) -> tuple[str, ...]:
    """The videos that splits test, each once."""
    return tuple(dict.fromkeys(video for split in splits for video in split))


def write(path: Path, runs: Iterable[Run], settings: Mapping[str, Any] | None = None) -> None:
    """Write the scores of runs, in the order given, whole or not at all.

    settings: how the scorers learnt, in JSON's types; None where it is not known.
    """
    with hdf5.writing(path, track_order=True) as file:
        if settings is not None:
            file.attrs["settings"] = json.dumps(settings, ensure_ascii=False)
        for run in runs:
            group = file.create_group(run.place, track_order=True)
            if run.epoch is not None:
                group.attrs["epoch"] = run.epoch
            for video, scores_T in run.scores.items():
                group[video] = scores_T.astype(np.float32)


def write_left_out(path: Path, why: str) -> None:
    """The file of a row that was not trained, which says why."""
    hdf5.write_left_out(path, why)


def left_out(path: Path) -> str | None:
    """Why a row was not trained; None where it was.

    Raises UserError where its predictions are missing or unreadable.
    """
    with hdf5.reading(path, _again(path)) as file:
        return hdf5.why_left_out(file)


def read(
    path: Path, lengths: Mapping[str, int], protocols: Sequence[str]
) -> dict[str, Predictions]:
    """Read a predictions file, by protocol.

    lengths are the sampled frames of every judged video; protocols those wanted, in the order
    wanted. Raises UserError, naming the file, where it is missing or unreadable, lacks a
    protocol, where seeds do not share their splits, a video is unknown, has another number of
    scores or a NaN, or, under the protocol "strict", is not tested exactly once a seed.
    """
    found: dict[str, tuple[Scores, Epochs]] = {}
    try:
        with hdf5.reading(path, _again(path)) as file:
            for protocol in protocols:
                if protocol not in file:
                    there = ", ".join(file) or "none"
                    raise UserError(
                        f"{path}: lacks the protocol {protocol}, found {there}; {_again(path)}"
                    )
                scores: Scores = {}
                epochs: Epochs = {}
                for seed in sorted(file[protocol], key=natural):
                    of_seed = file[protocol][seed]
                    groups = [of_seed[split] for split in sorted(of_seed, key=natural)]
                    scores[seed] = [_split(path, group, lengths) for group in groups]
                    epochs[seed] = [_epoch(group) for group in groups]
                found[protocol] = scores, epochs
    # A dataset where a group should be, or what holds no numbers.
    except (AttributeError, TypeError, KeyError, ValueError) as error:
        raise UserError(
            f"{path}: cannot be read as predictions ({error}); {_again(path)}"
        ) from error
    return {
        protocol: Predictions(protocol, _splits(path, protocol, scores, lengths), scores, epochs)
        for protocol, (scores, epochs) in found.items()
    }


def protocols(path: Path) -> tuple[str, ...]:
    """The protocols that a predictions file is of. Raises UserError where it cannot be read."""
    with hdf5.reading(path, _again(path)) as file:
        return tuple(file)


def settings(path: Path) -> dict[str, Any]:
    """How the scorers of a predictions file learnt.

    Raises UserError where the file is missing or damaged, or does not say.
    """
    said = _said(path)
    if said is None:
        raise UserError(f"{path}: does not say how its scorers learnt; {_again(path)}")
    return said


def inputs(path: Path) -> tuple[str, ...]:
    """What the scorers of a predictions file were fed; empty where it does not say.

    Raises UserError where it is missing or damaged.
    """
    said = _said(path)
    return () if said is None else tuple(said["model"]["inputs"])


def _said(path: Path) -> dict[str, Any] | None:
    with hdf5.reading(path, _again(path)) as file:
        said = file.attrs.get("settings")
    return dict(json.loads(said)) if isinstance(said, str) else None


def _splits(path: Path, protocol: str, scores: Scores, lengths: Mapping[str, int]) -> Splits:
    """The videos that each split tests, checked to be every seed's."""
    if not scores or not all(of_seed and all(of_seed) for of_seed in scores.values()):
        raise UserError(f"{path}: a seed or split of {protocol} holds no scores; {_again(path)}")
    first = next(iter(scores))
    splits = tuple(tuple(split) for split in scores[first])
    for seed, of_seed in scores.items():
        if tuple(tuple(split) for split in of_seed) != splits:
            raise UserError(
                f"{path}: {seed} and {first} of {protocol} tested different videos; {_again(path)}"
            )
    if protocol == "strict":
        times = Counter(video for split in splits for video in split)
        for video in lengths:
            if times[video] != 1:
                raise UserError(
                    f"{path}: {video} is tested {times[video]} times a seed, and the "
                    f"protocol strict tests each video once; {_again(path)}"
                )
    return splits


def _epoch(group: h5py.Group) -> float | None:
    epoch = group.attrs.get("epoch")
    return None if epoch is None else float(epoch)


def _split(
    path: Path, group: h5py.Group, lengths: Mapping[str, int]
) -> Mapping[str, npt.NDArray[np.float64]]:
    scores = RaggedByName()
    for video in sorted(group, key=natural):
        scores_T = np.asarray(group[video], dtype=np.float64)
        where = f"{path}: {group.name}/{video}"
        if video not in lengths:
            raise UserError(f"{where} is not among the dataset's videos; {_again(path)}")
        if scores_T.shape != (lengths[video],):
            raise UserError(
                f"{where} has {scores_T.size} scores and the video {lengths[video]} sampled "
                f"frames; {_again(path)}"
            )
        if not np.isfinite(scores_T).all():
            raise UserError(
                f"{where} holds NaN: training fell apart; try a smaller train.lr in params.yaml"
            )
        scores.add(video, scores_T)
    return scores

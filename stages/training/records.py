"""What training leaves for others: predictions and learning curves.

Shapes: T sampled frames.
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import numpy.typing as npt

from stages.training.fitting import Epoch
from stages.work.files import replacing

CURVE_COLUMNS = ("protocol", "seed", "split", "epoch", "lr", "train_loss", "test_loss", "tau")


@dataclass(frozen=True, eq=False)
class Run:
    """One seed on one split: `scores[video]` (T,) in 0..1 of the test videos, by the weights of
    `epoch`, and the curve.
    """

    protocol: str
    seed: int
    split: int
    epoch: float
    scores: Mapping[str, npt.NDArray[np.float32]]
    curve: Sequence[Epoch]

    @property
    def place(self) -> str:
        """Where the run is kept, within predictions and checkpoints."""
        return f"{self.protocol}/seed_{self.seed}/split_{self.split}"


def write_predictions(path: Path, runs: Sequence[Run]) -> None:
    """Write /{protocol}/seed_{s}/split_{k}/{video}; a split's `epoch` is the one scores are of."""
    with replacing(path) as temporary, h5py.File(temporary, "w", track_order=True) as file:
        for run in runs:
            group = file.create_group(run.place, track_order=True)
            group.attrs["epoch"] = run.epoch
            for video, scores_T in run.scores.items():
                group[video] = scores_T.astype(np.float32)


def write_curves(path: Path, runs: Sequence[Run]) -> None:
    """Write every point of every run as CSV with `CURVE_COLUMNS`; six significant digits.

    tau is empty where no videos are watched.
    """
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(CURVE_COLUMNS)
        for run in runs:
            for point in run.curve:
                numbers = (point.epoch, point.lr, point.train_loss, point.test_loss)
                tau = "" if point.tau is None else f"{point.tau:.6g}"
                table.writerow(
                    (run.protocol, run.seed, run.split, *(f"{x:.6g}" for x in numbers), tau)
                )

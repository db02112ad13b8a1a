"""Learning curves as the tables that `dvc plots` draws."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean

from stages.artifacts.curves import COLUMNS, Point
from stages.artifacts.results import write_csv


def write_curves(folder: Path, curves: Mapping[str, Sequence[Point]], protocol: str) -> None:
    """curves.csv, every model's learning curves behind a column that names the model; and
    learning.csv, the first one's losses by epoch under one protocol, over seeds and splits.

    A plot of `dvc plots` draws one line a column, so learning.csv holds a single model. Where
    nothing was trained both hold their heading alone.
    """
    lines = [[model, *point.columns()] for model, each in curves.items() for point in each]
    write_csv(folder / "curves.csv", ["model", *COLUMNS], lines)
    model, curve = next(iter(curves.items()), ("", ()))
    epochs: dict[float, list[Point]] = {}
    for point in curve:
        if point.protocol == protocol:
            epochs.setdefault(point.epoch, []).append(point)
    means = [
        [
            model,
            f"{epoch:g}",
            round(fmean(point.train_loss for point in of), 8),
            round(fmean(point.test_loss for point in of), 8),
        ]
        for epoch, of in sorted(epochs.items())
    ]
    write_csv(folder / "learning.csv", ["model", "epoch", "train_loss", "test_loss"], means)

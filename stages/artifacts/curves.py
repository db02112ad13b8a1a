"""The learning curves of one scorer: CSV, a line an epoch of a run."""

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from stages.errors import UserError
from stages.work.files import replacing


class Point(NamedTuple):
    """A run's losses (mean squared error) after an epoch; tau where videos are watched."""

    protocol: str
    seed: int
    split: int
    epoch: float
    lr: float
    train_loss: float
    test_loss: float
    tau: float | None


COLUMNS = Point._fields


def write(path: Path, points: Iterable[Point]) -> None:
    """Six significant digits; tau empty where there is none."""
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(COLUMNS)
        for point in points:
            numbers = ["" if number is None else f"{number:.6g}" for number in point[3:]]
            table.writerow([*point[:3], *numbers])


def read(path: Path) -> list[Point]:
    """Every point. Raises UserError where the file is missing, of other columns, or damaged."""
    again = "run the train stage again (`dvc repro`)"
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            lines = list(reader)
        if tuple(reader.fieldnames or ()) != COLUMNS:
            raise ValueError(f"expected the columns {','.join(COLUMNS)}")
        return [
            Point(
                line["protocol"],
                int(line["seed"]),
                int(line["split"]),
                *(float(line[name]) for name in COLUMNS[3:7]),
                float(line["tau"]) if line["tau"] else None,
            )
            for line in lines
        ]
    except FileNotFoundError as error:
        raise UserError(f"{path} not found; run the train stage (`dvc repro`)") from error
    except (ValueError, TypeError) as error:
        raise UserError(f"{path}: not what the train stage writes ({error}); {again}") from error

"""The learning curves of a row's runs: a CSV file, a line a point."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from stages.errors import UserError, anew
from stages.work.files import replacing

COLUMNS = ("protocol", "seed", "split", "epoch", "lr", "train_loss", "test_loss", "tau", "rho")
_WITHOUT_RHO = COLUMNS[:-1]
"""Of a file from before ρ was kept."""


@dataclass(frozen=True)
class Point:
    """A point of one run's curve: at an epoch's end or, x.5, after half of its passes.

    lr is the epoch's rate; losses are means over frames, the training one over the epoch's passes
    so far; tau and rho are the mean agreement on the videos watched, None where none are, or where
    it was not kept.
    """

    protocol: str
    seed: int
    split: int
    epoch: float
    lr: float
    train_loss: float
    test_loss: float
    tau: float | None = None
    rho: float | None = None

    def columns(self) -> tuple[str, ...]:
        """As the file holds them: six significant digits, empty where there is no agreement."""
        losses = (self.epoch, self.lr, self.train_loss, self.test_loss)
        numbers = (*losses, self.tau, self.rho)
        run = (self.protocol, str(self.seed), str(self.split))
        return (*run, *("" if number is None else f"{number:.6g}" for number in numbers))


def write(path: Path, points: Iterable[Point]) -> None:
    """Write points in the order given, whole or not at all; six significant digits.

    tau and rho are empty where no videos are watched.
    """
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(COLUMNS)
        for point in points:
            table.writerow(point.columns())


def read(path: Path) -> list[Point]:
    """Every point, in the file's order.

    Raises UserError, naming the file and the line, where it is missing or not such a table.
    """
    remedy = anew("train")
    try:
        with path.open(newline="", encoding="utf-8") as file:
            lines = list(csv.reader(file))
    except FileNotFoundError as error:
        raise UserError(f"{path} not found; {remedy}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: cannot be read as learning curves ({error}); {remedy}") from error
    if not lines or tuple(lines[0]) not in (COLUMNS, _WITHOUT_RHO):
        raise UserError(f"{path}: its columns must be {', '.join(COLUMNS)}; {remedy}")
    lacking = [""] * (len(COLUMNS) - len(lines[0]))
    points = []
    for number, line in enumerate(lines[1:], start=2):
        try:
            points.append(_point([*line, *lacking]))
        except ValueError as error:
            raise UserError(f"{path}, line {number}: not a point ({error}); {remedy}") from error
    return points


def _point(line: list[str]) -> Point:
    protocol, seed, split, epoch, lr, train_loss, test_loss, tau, rho = line
    return Point(
        protocol,
        int(seed),
        int(split),
        float(epoch),
        float(lr),
        float(train_loss),
        float(test_loss),
        float(tau) if tau else None,
        float(rho) if rho else None,
    )

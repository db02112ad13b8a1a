"""What evaluate measured, as the report reads it back.

Shapes: E epochs, R runs (a training seed × a split).
"""

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from stages.errors import UserError

Floats = npt.NDArray[np.float64]
MARKS = ("tau", "rho", "f1")
AGAIN = "run the evaluate stage (`dvc repro`)"


@dataclass(frozen=True)
class Figure:
    """A mean over videos and its interval; None where one video gives none. `spread` is the
    standard deviation over training seeds (or random draws), `fold_spread` that of the means over
    each split's videos; None where there is one.
    """

    mean: float
    low: float | None
    high: float | None
    spread: float | None
    fold_spread: float | None


@dataclass(frozen=True)
class Row:
    """against: p of a paired permutation test against the first model, raw and Holm's, by mark;
    None for that model itself, and where evaluate said nothing of it.
    """

    name: str
    title: str
    kind: str  # model, baseline or people
    figures: Mapping[str, Figure]  # by the names of MARKS
    against: Mapping[str, tuple[float, float]] | None = None


@dataclass(frozen=True)
class Protocol:
    """What was measured under one protocol, over the `videos` its splits test."""

    name: str
    videos: int
    flags: tuple[str, ...]
    rows: tuple[Row, ...]

    def row(self, name: str) -> Row | None:
        return next((row for row in self.rows if row.name == name), None)


@dataclass(frozen=True)
class Results:
    """results.json of one dataset."""

    dataset: str
    title: str
    simulated: bool
    confidence: float
    replies: int
    unparsed: int
    protocols: tuple[Protocol, ...]

    @property
    def headline(self) -> Protocol:
        """The first protocol: the one that curves and videos are shown under."""
        return self.protocols[0]

    @property
    def videos(self) -> int:
        """The most videos that a protocol tests."""
        return max(protocol.videos for protocol in self.protocols)


@dataclass(frozen=True, eq=False)
class Curve:
    """One model's losses (mean squared error) by epoch, every run its own line."""

    model: str
    epochs_E: Floats
    train_RE: Floats
    test_RE: Floats


@dataclass(frozen=True)
class Measurements:
    """Everything evaluate wrote for a dataset. `by_video[row][video]` holds the marks; these and
    the curves are under the headline protocol.
    """

    results: Results
    by_video: Mapping[str, Mapping[str, Mapping[str, float]]]
    curves: tuple[Curve, ...]


def read(folder: Path) -> Measurements:
    """Read results.json, per_video.csv and curves.csv from evaluate's folder of one dataset.

    Raises UserError naming the file that is missing, damaged or of another layout, and the
    command that makes it.
    """
    results = _results(folder / "results.json")
    return Measurements(
        results,
        _by_video(folder / "per_video.csv", results.headline.name),
        _curves(folder / "curves.csv", results.headline.name),
    )


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise UserError(f"{path} not found; {AGAIN}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8 text; {AGAIN} again") from error


def _results(path: Path) -> Results:
    try:
        document = json.loads(_text(path))
        protocols = tuple(
            Protocol(name, int(of["videos"]), tuple(of["flags"]), tuple(_rows(of["rows"])))
            for name, of in document["protocols"].items()
        )
        if not protocols:
            raise ValueError("no protocol")
        return Results(
            dataset=document["dataset"],
            title=document["title"],
            simulated=bool(document["simulated"]),
            confidence=float(document["confidence"]),
            replies=int(document["llm"]["replies"]),
            unparsed=int(document["llm"]["unparsed"]),
            protocols=protocols,
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"{path}: not what evaluate writes ({type(error).__name__}: {error}); {AGAIN} again"
        ) from error


_PARTS = ("mean", "low", "high", "spread", "fold_spread")


def _rows(document: Mapping[str, Any]) -> Iterator[Row]:
    for name, row in document.items():
        figures = {mark: Figure(**{part: row[mark][part] for part in _PARTS}) for mark in MARKS}
        tested = row.get("against")
        against = {m: (tested[m]["p"], tested[m]["holm"]) for m in MARKS} if tested else None
        yield Row(name, row["title"], row["kind"], figures, against)


def lines(path: Path, columns: tuple[str, ...]) -> list[dict[str, str]]:
    """A table's lines by column. Raises UserError where it is missing or lacks one of `columns`."""
    reader = csv.DictReader(_text(path).splitlines())
    lines = list(reader)
    missing = [name for name in columns if name not in (reader.fieldnames or ())]
    if missing:
        raise UserError(f"{path}: lacks the column {', '.join(missing)}; {AGAIN} again")
    return lines


def numbers(path: Path, line: Mapping[str, Any], names: tuple[str, ...]) -> list[float]:
    """Some of a line's columns as numbers. Raises UserError where they are not."""
    try:
        return [float(line[name]) for name in names]
    except (TypeError, ValueError) as error:
        raise UserError(f"{path}: a line does not hold numbers: {dict(line)}; {AGAIN} again") from (
            error
        )


def _by_video(path: Path, protocol: str) -> dict[str, dict[str, dict[str, float]]]:
    found: dict[str, dict[str, dict[str, float]]] = {}
    for line in lines(path, ("protocol", "row", "video", *MARKS)):
        if line["protocol"] != protocol:
            continue
        marks = dict(zip(MARKS, numbers(path, line, MARKS), strict=True))
        found.setdefault(line["row"], {})[line["video"]] = marks
    return found


def _curves(path: Path, protocol: str) -> tuple[Curve, ...]:
    names = ("epoch", "train_loss", "test_loss")
    runs: dict[str, dict[tuple[str, ...], list[list[float]]]] = {}
    for line in lines(path, ("model", "protocol", "seed", "split", *names)):
        if line["protocol"] != protocol:
            continue
        run = (line["seed"], line["split"])
        runs.setdefault(line["model"], {}).setdefault(run, []).append(numbers(path, line, names))
    return tuple(_curve(path, model, list(each.values())) for model, each in runs.items())


def _curve(path: Path, model: str, runs: list[list[list[float]]]) -> Curve:
    epochs = [[point[0] for point in sorted(run)] for run in runs]
    if any(other != epochs[0] for other in epochs):
        raise UserError(f"{path}: the runs of {model} cover different epochs; {AGAIN} again")
    points_RE3 = np.array([sorted(run) for run in runs])
    return Curve(model, points_RE3[0, :, 0], points_RE3[:, :, 1], points_RE3[:, :, 2])

"""What evaluate measured at a revision, and one row's marks against another's.

Shapes: V videos.
"""

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stages.errors import UserError
from stages.experiments.revisions import Revision
from stages.metrics.paired import Paired, paired

MARKS = ("tau", "rho", "f1")
Json = dict[str, Any]


@dataclass(frozen=True)
class Video:
    """One video's marks under one row, and its share in the row's mean."""

    marks: Mapping[str, float]
    weight: float


@dataclass(frozen=True, eq=False)
class Measured:
    """results.json and per_video.csv of one dataset: `videos[protocol][row][video]`."""

    revision: Revision
    results: Json
    videos: Mapping[str, Mapping[str, Mapping[str, Video]]]

    def row(self, protocol: str, name: str) -> Json | None:
        """The row as results.json has it; None where it was not measured."""
        of: Json | None = self.results["protocols"].get(protocol, {"rows": {}})["rows"].get(name)
        return of


def read(revision: Revision, dataset: str) -> Measured:
    """Raises UserError naming the revision and the file that is absent or damaged."""
    folder = f"reports/results/{dataset}"
    texts = {name: revision.text(f"{folder}/{name}") for name in ("results.json", "per_video.csv")}
    for name, text in texts.items():
        if text is None:
            raise UserError(
                f"{revision.name}: has no {folder}/{name}; {dataset} was not measured there (name "
                "it in run.datasets and run `dvc repro`)"
            )
    try:
        results = json.loads(texts["results.json"] or "")
        videos: dict[str, dict[str, dict[str, Video]]] = {}
        for line in csv.DictReader(io.StringIO(texts["per_video.csv"])):
            marks = {mark: float(line[mark]) for mark in MARKS}
            of_row = videos.setdefault(line["protocol"], {}).setdefault(line["row"], {})
            of_row[line["video"]] = Video(marks, float(line["weight"]))
        for protocol in results["protocols"].values():
            for row in protocol["rows"].values():
                for mark in MARKS:
                    float(row[mark]["mean"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"{revision.name}: the tables in {folder} are not those that evaluate writes now "
            f"({type(error).__name__}: {error}); measure it again (`dvc repro`)"
        ) from error
    return Measured(revision, results, videos)


def difference(
    one: Mapping[str, Video], other: Mapping[str, Video], mark: str, confidence: float
) -> Paired:
    """One row's marks less another's, video by video. Raises UserError for other videos."""
    if list(one) != list(other):
        raise UserError("two rows that tested different videos cannot be compared pair by pair")
    return paired(
        [video.marks[mark] for video in one.values()],
        [video.marks[mark] for video in other.values()],
        [video.weight for video in one.values()],
        confidence=confidence,
    )

"""What evaluate measured at a revision, and one row's marks against another's.

Shapes: V videos.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass

from stages.artifacts.results import (
    AGAIN,
    PER_VIDEO,
    RESULTS,
    ByVideo,
    Results,
    VideoMarks,
    parsed,
    parsed_by_video,
)
from stages.artifacts.row import Row
from stages.errors import UserError
from stages.experiments.revisions import HERE, Revision
from stages.metrics.paired import Paired, paired

_ELSEWHERE = "its tables are another edition's, so name a revision or experiment of this one"


@dataclass(frozen=True, eq=False)
class Measured:
    """Both tables of one dataset at a revision: `videos[protocol][row][video]`."""

    revision: Revision
    results: Results
    videos: ByVideo

    def row(self, protocol: str, name: str) -> Row | None:
        """The row as it was measured; None where it was not."""
        of = self.results.protocols.get(protocol)
        return None if of is None else of.rows.get(name)


def read(revision: Revision, dataset: str) -> Measured:
    """Raises UserError naming the revision and the file that is absent or damaged."""
    folder = f"reports/results/{dataset}"

    def text(name: str) -> str:
        found = revision.text(f"{folder}/{name}")
        if found is None:
            raise UserError(
                f"{revision.name}: has no {folder}/{name}; {dataset} was not measured there (name "
                "it in run.datasets and run `dvc repro`)"
            )
        return found

    origin = f"{revision.name}: {folder}"
    remedy = AGAIN if revision == HERE else _ELSEWHERE
    return Measured(
        revision,
        parsed(text(RESULTS), f"{origin}/{RESULTS}", remedy),
        parsed_by_video(io.StringIO(text(PER_VIDEO)), f"{origin}/{PER_VIDEO}", remedy),
    )


def difference(
    one: Mapping[str, VideoMarks], other: Mapping[str, VideoMarks], mark: str, confidence: float
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

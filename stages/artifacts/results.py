"""What evaluate measured: results.json and per_video.csv, written and read here alone.

results.json is `Results` as it stands below, field by field; its rows are those of
`artifacts.row`. per_video.csv has a line for each video tested under each row of each protocol.
"""

import csv
import json
import operator
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from stages.artifacts import text as text_file
from stages.artifacts.choosing import Choosing
from stages.artifacts.places import GivenKind
from stages.artifacts.row import MARKS, Part, Row
from stages.errors import UserError, anew
from stages.section import fault
from stages.work.files import replacing
from stages.work.placed import Placed

RESULTS, PER_VIDEO = "results.json", "per_video.csv"
FROM_CURVES = frozenset({"choosing"})
"""Fields of results.json, at whatever depth, that rest on learning curves and not on scores alone:
`llmvs rejudge` leaves them aside.
"""
COLUMNS = ("protocol", "row", "video", *MARKS, "weight")
"""Of per_video.csv; the weight is the video's share in the row's mean."""

AGAIN = anew("evaluate")


class Floor(Part):
    """What constant scores earn where the measure gives them anything."""

    tau: float
    rho: float


class Unsummarised(Part):
    """A video of which no shot fits the budget: frames of the shortest one, and of the video."""

    video: str
    shortest: int
    frames: int


class ProtocolTable(Part):
    """What was measured under one protocol, over the `videos` its splits test.

    flags: sentences that a reader of the table must know. unsummarised: of these videos, those
    whose summary is empty whatever their scores. floor: None where it is 0.
    """

    videos: int
    flags: tuple[str, ...]
    unsummarised: tuple[Unsummarised, ...] = ()
    floor: Floor | None = None
    rows: dict[str, Row]


class Replies(Part):
    """What the LLM was asked, and how often no score was found in its reply."""

    replies: int
    unparsed: int


class Shots(Part):
    """Videos by the origin of their shots, as in `artifacts.timeline.Origin`."""

    annotations: int = 0
    field: int = 0
    kts: int = 0


class LeftOut(Part):
    """A row of run.models that could not be fed, and what would provide what it lacks."""

    title: str
    why: str

    @property
    def said(self) -> str:
        return f"{self.title}: {self.why}."


class File(Part):
    """A file that evaluate read."""

    path: str
    sha256: str


class Results(Part):
    """results.json of one dataset; the first protocol is the headline.

    benchmark: the dataset of the paper that this is, None for another. llm: None where it was
    not asked. choosing: by row, None where there are not both protocols. left_out: by row; not
    written where there is none.
    """

    dataset: str
    title: str
    simulated: bool
    benchmark: Literal["SumMe", "TVSum"] | None
    given: GivenKind
    shots: Shots
    confidence: float
    llm: Replies | None
    files: tuple[File, ...]
    protocols: dict[str, ProtocolTable] = Field(min_length=1)
    choosing: dict[str, Choosing] | None = None
    left_out: dict[str, LeftOut] = Field(default_factory=dict, exclude_if=operator.not_)

    @property
    def headline(self) -> str:
        """The protocol that curves and videos are shown under."""
        return next(iter(self.protocols))

    @property
    def rows(self) -> dict[str, Row]:
        """Of the headline."""
        return self.protocols[self.headline].rows

    @property
    def videos(self) -> int:
        """The most videos that a protocol tests."""
        return max(protocol.videos for protocol in self.protocols.values())


@dataclass(frozen=True, slots=True)
class VideoMarks:
    """One video's marks under one row, and its share in the row's mean."""

    marks: Mapping[str, float]
    weight: float


class RowMarks(Placed[VideoMarks]):
    """A row's marks by video, as bare numbers in one array: of many videos there are many."""

    def __init__(self, marks: Iterable[tuple[str, VideoMarks]] = ()) -> None:
        super().__init__({})
        self._numbers = array("d")
        for video, of in marks:
            self.put(video, of)

    def put(self, video: str, of: VideoMarks) -> None:
        """Add a video's; of one that is there, in the place of what was."""
        numbers = array("d", [*(of.marks[mark] for mark in MARKS), of.weight])
        at = self.places.setdefault(video, len(self.places)) * len(numbers)
        self._numbers[at : at + len(numbers)] = numbers

    def at(self, place: int) -> VideoMarks:
        size = len(MARKS) + 1
        *marks, weight = self._numbers[place * size : (place + 1) * size]
        return VideoMarks(dict(zip(MARKS, marks, strict=True)), weight)


ByVideo = Mapping[str, Mapping[str, Mapping[str, VideoMarks]]]
"""[protocol][row][video]"""


def write_json(path: Path, document: Results | Mapping[str, Any]) -> None:
    """results.json, metrics.json: whole or not at all."""
    plain = document.model_dump(mode="json") if isinstance(document, Results) else document
    with replacing(path) as temporary:
        text = json.dumps(plain, indent=2, ensure_ascii=False, allow_nan=False)
        temporary.write_text(text + "\n", encoding="utf-8")


def write_csv(path: Path, header: Sequence[str], lines: Iterable[Sequence[Any]]) -> None:
    """A table: whole or not at all."""
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(lines)


def write(folder: Path, results: Results, videos: ByVideo) -> None:
    """results.json and per_video.csv of one dataset."""
    write_json(folder / RESULTS, results)
    lines = (
        [protocol, row, video, *(of.marks[mark] for mark in MARKS), of.weight]
        for protocol, rows in videos.items()
        for row, by_video in rows.items()
        for video, of in by_video.items()
    )
    write_csv(folder / PER_VIDEO, COLUMNS, lines)


def read(folder: Path) -> tuple[Results, ByVideo]:
    """Both tables of one dataset, from evaluate's folder.

    Raises UserError naming the file that is missing, damaged or of another layout, and the
    command that makes it.
    """
    results, per_video = folder / RESULTS, folder / PER_VIDEO
    found = parsed(text_file.read(results, AGAIN), str(results))
    with text_file.reading(per_video, AGAIN) as lines:
        return found, parsed_by_video(lines, str(per_video))


def parsed(text: str, origin: str, remedy: str = AGAIN) -> Results:
    """results.json from its text. Raises UserError naming `origin` where it is another thing."""
    try:
        return Results.model_validate(json.loads(text))
    except ValueError as error:
        raise UserError(
            f"{origin}: not what evaluate writes now ({fault(error)}); {remedy}"
        ) from error


def parsed_by_video(lines: Iterable[str], origin: str, remedy: str = AGAIN) -> ByVideo:
    """per_video.csv from its lines. Raises UserError naming `origin` where it is another thing."""
    reader = csv.DictReader(lines)
    if missing := [name for name in COLUMNS if name not in (reader.fieldnames or ())]:
        raise UserError(f"{origin}: lacks the column {', '.join(missing)}; {remedy}")
    found: dict[str, dict[str, RowMarks]] = {}
    names: dict[str, str] = {}
    for line in reader:
        try:
            marks = {mark: float(line[mark]) for mark in MARKS}
            weight = float(line["weight"])
        except (TypeError, ValueError) as error:
            raise UserError(
                f"{origin}: a line does not hold numbers: {dict(line)}; {remedy}"
            ) from error
        of_row = found.setdefault(line["protocol"], {}).setdefault(line["row"], RowMarks())
        # Each name once, however many rows have it.
        video = names.setdefault(line["video"], line["video"])
        of_row.put(video, VideoMarks(marks, weight))
    return found

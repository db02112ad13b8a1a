"""MR.HiSum's videos themselves, as far as a folder has them, in files named by their YouTube ids.

Shapes: T seconds that are judged, N video frames, S shots.

The authors' `metadata.csv` names the YouTube id of each `video_id`; the videos are fetched by
whoever wants them, and of 31,892 some are always gone. What is missing is left out and listed; what
is there is judged by the same scores, each said of the frames of its second, which are counted at
the file's average rate. One frame a second is sampled, the first of it, so that each has a score of
its own. Scores end where YouTube-8M's features do, after six minutes at the latest; what a file
shows beyond them is left out (`sample.tolerance`).
"""

import csv
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from stages.artifacts.field import Annotated
from stages.artifacts.people import Judgement, People
from stages.artifacts.timeline import Timeline
from stages.artifacts.video import Video
from stages.errors import UserError
from stages.media import video
from stages.sources.places import files
from stages.work.on_demand import InTurn, MadeAnew

SHORTER = 2.0
"""Seconds by which a file may end before its scores do; more is another video, or half of one."""

Said = TypeVar("Said", bound=np.generic)

_COLUMNS = ("video_id", "youtube_id")
_BRACKETED = re.compile(r"\[([\w-]{11})\]$")
"""An id at the end of a file's name, as yt-dlp leaves it."""


class Missing(NamedTuple):
    """A video of the split that is not to be had, and why."""

    name: str
    youtube_id: str
    why: str


class Found(NamedTuple):
    """The videos that are there, each one's file by its title, and those that are not."""

    annotated: Annotated
    files: dict[str, Path]
    missing: tuple[Missing, ...]


def there(judged: Annotated, folder: Path, metadata: Path) -> Found:
    """The judged videos that a folder has, in frames of their files.

    Args:
        judged: as the h5 judges them, in seconds.
        folder: `YOUTUBE_ID.mp4` or `any title [YOUTUBE_ID].mp4`, in subfolders as well, in any of
            `media.video.SUFFIXES`.
        metadata: the authors' csv.

    Raises:
        UserError: the csv is not what it should be or does not name a video; no video is there.
    """
    ids = _ids(metadata)
    if unnamed := [name for name in judged.timeline.names if name not in ids]:
        raise UserError(
            f"{metadata}: names no {unnamed[0]} ({len(unnamed)} of {len(judged.timeline.names)} "
            "videos are missing there); take the metadata.csv of the same release"
        )
    by_id = _by_id(folder)
    shown: dict[str, Video] = {}
    files_of: dict[str, Path] = {}
    missing = []
    for of in judged.timeline.videos:
        title = ids[of.name]
        try:
            path = _file(by_id, title)
            shown[of.name] = _in_frames(of, title, path)
            files_of[title] = path
        except UserError as error:
            missing.append(Missing(of.name, title, str(error)))
    if not shown:
        raise UserError(
            f"{folder} holds none of the {len(missing)} videos; a file's name is its YouTube id, "
            f"such as {missing[0].youtube_id}.mp4"
        )
    timeline = Timeline(judged.timeline.dataset, tuple(shown.values()))
    people = People(
        judged.people.dataset,
        judged.people.simulated,
        InTurn(_InFrames(judged.people.by_name, shown)),
    )
    return Found(Annotated(timeline, people), files_of, tuple(missing))


def write_missing(path: Path, missing: tuple[Missing, ...]) -> None:
    """A line each: the video, its YouTube id, and why it is left out."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(Missing._fields)
        writer.writerows(missing)


def _ids(metadata: Path) -> dict[str, str]:
    """The YouTube id of each video."""
    try:
        with metadata.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            if lacking := [name for name in _COLUMNS if name not in (rows.fieldnames or ())]:
                raise UserError(
                    f"{metadata}: has no column {lacking[0]}; it is to be the authors' "
                    "metadata.csv (github.com/MRHiSum/MR.HiSum)"
                )
            return {row["video_id"]: row["youtube_id"] or "" for row in rows}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(
            f"{metadata}: cannot be read ({error}); fetch metadata.csv as "
            "github.com/MRHiSum/MR.HiSum says, and name it as download.metadata in params.yaml"
        ) from error


def _by_id(folder: Path) -> dict[str, Path]:
    """A file of each YouTube id; of several, that whose container is preferred."""
    found: dict[str, Path] = {}
    for path in files(folder, *video.SUFFIXES):
        bracketed = _BRACKETED.search(path.stem)
        title = bracketed[1] if bracketed else path.stem
        found[title] = min(path, found.get(title, path), key=video.preference)
    return found


def _file(by_id: Mapping[str, Path], title: str) -> Path:
    if title not in by_id:
        raise UserError("there is no file of it")
    return by_id[title]


def _in_frames(of: Video, title: str, path: Path) -> Video:
    """A video of T seconds in the frames of its file. Raises UserError where it is shorter."""
    rate, _, lasts = video.header(path)
    if lasts is not None and lasts < of.n_frames - SHORTER:
        raise UserError(f"{path.name} lasts {lasts:.0f} s, and its scores {of.n_frames} s")
    if rate < 1:
        raise UserError(f"{path.name} has {rate:g} frames a second, and each has a score")
    starts_T = np.ceil(np.arange(of.n_frames) * rate - 1e-6).astype(np.int64)
    n_frames = max(round(of.n_frames * rate), int(starts_T[-1]) + 1)
    shots_S2 = of.known_shots()
    ends_S = np.append(starts_T[shots_S2[1:, 0]], n_frames) - 1
    return replace(
        of,
        title=title,
        n_frames=n_frames,
        fps=rate,
        picks_T=starts_T,
        times_T=starts_T / rate,
        shots_S2=np.column_stack([starts_T[shots_S2[:, 0]], ends_S]),
    )


class _InFrames(MadeAnew[Judgement]):
    """What is said of each second, said of its frames; made when it is asked for."""

    def __init__(self, judged: Mapping[str, Judgement], shown: Mapping[str, Video]) -> None:
        super().__init__(shown)
        self._judged, self._shown = judged, shown

    def make(self, name: str) -> Judgement:
        judged, of = self._judged[name], self._shown[name]
        lengths_T = np.diff(of.picks_T, append=of.n_frames)

        def in_frames(each_UT: npt.NDArray[Said] | None) -> npt.NDArray[Said] | None:
            return None if each_UT is None else np.repeat(each_UT, lengths_T, axis=1)

        return Judgement(
            name,
            judged.gtscore_T,
            in_frames(judged.user_summary_UN),
            in_frames(judged.user_scores_UN),
        )

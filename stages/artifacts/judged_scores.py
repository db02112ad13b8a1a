"""Every row's own scores, as evaluate judged them: scores.h5, beside the tables made of them.

With what people said, which is public, they are all that the tables rest on: `llmvs rejudge`.

Shapes: R training seeds (1 where nothing was trained), C appearances of a video among the splits'
test sets (1 where the scores do not depend on the split), T sampled frames, F: below, S shots.

One HDF5 file a dataset:

/about             text, `About` as JSON: the layout's version, the recipe, the files that evaluate
                   read with their sha256, the videos, and of each protocol its splits and rows
/{protocol}/{row}  (R, F) numbers. R: the seeds in the order of the row's `seeds`. F: the sampled
                   frames of the tested videos, one video after the other, in the order of the
                   protocol's `splits`; where the row is `by_split`, a video that two splits test
                   stands there twice, else once

Numbers are float32, or float64 where float32 would change one.
"""

import json
import operator
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import h5py
import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field
from pydantic.dataclasses import dataclass as pydantic_dataclass

from stages.artifacts import hdf5
from stages.artifacts.places import GivenKind
from stages.artifacts.predictions import Splits, tested
from stages.artifacts.results import AGAIN, RESULTS, File, LeftOut, Replies
from stages.artifacts.video import Integers, Origin
from stages.errors import UserError
from stages.section import fault

NAME = "scores.h5"
VERSION: Literal[1] = 1

Floats = npt.NDArray[np.float64]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


@pydantic_dataclass(frozen=True, slots=True, config=ConfigDict(extra="forbid"))
class Video:
    """A video that people judged: its length, how many of its frames are sampled, and where its
    shots come from. shots: first and last frame of each, where this project's own segmentation
    found them ("kts"); None where annotations or the field bring them. cut: how many frames fewer
    than people annotated the video has, and was judged by; not written where there are none.
    """

    name: str
    title: str
    n_frames: int
    sampled: int
    shots_from: Origin
    shots: tuple[tuple[int, int], ...] | None
    cut: Annotated[int, Field(ge=0, exclude_if=operator.not_)] = 0


class ScoredRow(_Part):
    """A row that has scores of its own. seeds: none where nothing was trained."""

    title: str
    kind: Literal["model", "baseline"]
    seeds: tuple[str, ...]
    by_split: bool


class ScoredProtocol(_Part):
    """splits: the videos that each tests. asked: the replies of the models asked for a score, by
    what they are called, None for one that was not asked.
    """

    splits: Splits
    asked: dict[str, Replies | None]
    rows: dict[str, ScoredRow]

    @property
    def tested(self) -> tuple[str, ...]:
        """The videos that the splits test, each once."""
        return tested(self.splits)

    def columns(self, by_split: bool) -> tuple[str, ...]:
        """The videos in the order of a row's columns."""
        return tuple(v for split in self.splits for v in split) if by_split else self.tested


class About(_Part):
    """Everything but the numbers. evaluate: that section of the recipe, as params.yaml has it.
    left_out: rows that could not be fed; not written where there are none.
    """

    version: Literal[1] = VERSION
    dataset: str
    title: str
    benchmark: Literal["SumMe", "TVSum"] | None
    given: GivenKind
    evaluate: dict[str, Any]
    files: tuple[File, ...]
    videos: tuple[Video, ...]
    protocols: dict[str, ScoredProtocol]
    left_out: dict[str, LeftOut] = Field(default_factory=dict, exclude_if=operator.not_)


@dataclass(frozen=True, eq=False)
class JudgedScores:
    """scores[protocol][row][video] are (R, C, T)."""

    about: About
    scores: Mapping[str, Mapping[str, Mapping[str, Floats]]]


def shots_of(video: Video) -> Integers | None:
    """Its shots (S, 2), where this project found them."""
    return None if video.shots is None else np.array(video.shots, dtype=np.int64)


def write(path: Path, judged: JudgedScores) -> None:
    """Write the scores, whole or not at all. The same scores give the same bytes."""
    with hdf5.writing(path, track_order=True) as file:
        text = judged.about.model_dump_json(indent=1).encode()
        file.create_dataset("about", data=text, dtype=h5py.string_dtype("utf-8", len(text)))
        for protocol, of in judged.about.protocols.items():
            group = file.create_group(protocol, track_order=True)
            for name, row in of.rows.items():
                x_RF = _exact(
                    _side_by_side(judged.scores[protocol][name], of.columns(row.by_split))
                )
                group.create_dataset(
                    name, data=x_RF, chunks=x_RF.shape, shuffle=True,
                    compression="gzip", compression_opts=9,
                )  # fmt: skip


def read(path: Path) -> JudgedScores:
    """Raises UserError where the file is missing, damaged, of another layout, or at odds with
    itself.
    """
    with hdf5.reading(path, AGAIN) as file:
        about = _about(path, file)
        sampled = {video.name: video.sampled for video in about.videos}
        return JudgedScores(
            about,
            {
                protocol: {
                    name: _row(path, file, f"{protocol}/{name}", row, of, sampled)
                    for name, row in of.rows.items()
                }
                for protocol, of in about.protocols.items()
            },
        )


def same_run(folder: Path, results: Iterable[File], scores: Iterable[File]) -> None:
    """Raises UserError, naming one, where evaluate's two files in a folder rest on other files."""
    if others := {*results} ^ {*scores}:
        other = min(file.path for file in others)
        raise UserError(
            f"{folder}: {NAME} and {RESULTS} are of two runs of evaluate, of which one read "
            f"another {other}; {AGAIN}"
        )


def _exact(x: Floats) -> npt.NDArray[Any]:
    narrow = x.astype(np.float32)
    return narrow if (narrow == x).all() else x


def _side_by_side(scores: Mapping[str, Floats], videos: tuple[str, ...]) -> Floats:
    seen = dict.fromkeys(scores, 0)
    columns = []
    for video in videos:
        columns.append(scores[video][:, seen[video]])
        seen[video] += 1
    return np.concatenate(columns, axis=1)


def _about(path: Path, file: h5py.File) -> About:
    text = file.get("about")
    if not isinstance(text, h5py.Dataset) or h5py.check_string_dtype(text.dtype) is None:
        raise UserError(f"{path}: holds no text `about`, so it is not evaluate's; {AGAIN}")
    try:
        document = json.loads(text[()])
        version = document.get("version") if isinstance(document, dict) else None
        if version != VERSION:
            raise UserError(
                f"{path}: is of layout {version!r}, and this reads layout {VERSION}; {AGAIN}"
            )
        return About.model_validate(document)
    except ValueError as error:
        raise UserError(
            f"{path}: about: not what evaluate writes now ({fault(error)}); {AGAIN}"
        ) from error


def _row(
    path: Path,
    file: h5py.File,
    place: str,
    row: ScoredRow,
    of: ScoredProtocol,
    sampled: Mapping[str, int],
) -> dict[str, Floats]:
    videos = of.columns(row.by_split)
    if strangers := [video for video in videos if video not in sampled]:
        raise UserError(f"{path}: {place}: tests {strangers[0]}, which is none of its videos")
    numbers = file.get(place)
    if not isinstance(numbers, h5py.Dataset) or numbers.dtype.kind != "f":
        raise UserError(f"{path}: lacks the numbers {place}; {AGAIN}")
    lengths = [sampled[video] for video in videos]
    wanted = (max(len(row.seeds), 1), sum(lengths))
    if numbers.shape != wanted:
        raise UserError(
            f"{path}: {place} should be {wanted[0]} × {wanted[1]}, is of shape {numbers.shape}; "
            f"{AGAIN}"
        )
    x_RF = np.asarray(numbers[()], dtype=np.float64)
    if not np.isfinite(x_RF).all():
        raise UserError(f"{path}: {place} holds NaN or infinity; {AGAIN}")
    parts: dict[str, list[Floats]] = {}
    for video, x_RT in zip(videos, np.split(x_RF, np.cumsum(lengths)[:-1], axis=1), strict=True):
        parts.setdefault(video, []).append(x_RT)
    return {video: np.stack(each, axis=1) for video, each in parts.items()}

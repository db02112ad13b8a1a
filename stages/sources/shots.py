"""Shots of a dataset's videos where others publish them.

Shapes: S shots.

`shots.json`, which the project carries, holds those of SumMe and TVSum; it names its sources. Two
kinds of file are read besides: `shot_TVSum.mat`, whose `shot_boundaries` are cut points 0 to
n_frames, and any h5 of the field's schema with `change_points`.
"""

import json
import logging
from collections.abc import Iterable, Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from stages.artifacts import field as field_file
from stages.artifacts.names import form
from stages.artifacts.shots import covering
from stages.artifacts.timeline import Timeline
from stages.artifacts.video import Video
from stages.errors import UserError
from stages.sources import matlab

log = logging.getLogger("llmvs")

Integers = npt.NDArray[np.int64]
Benchmark = Literal["summe", "tvsum"]

NAMES = {"summe": "SumMe", "tvsum": "TVSum"}


@cache
def _carried(kind: Benchmark) -> dict[str, Any]:
    text = (resources.files("stages.sources") / "shots.json").read_text(encoding="utf-8")
    videos: dict[str, Any] = json.loads(text)[NAMES[kind]]["videos"]
    return videos


def field(kind: Benchmark) -> dict[str, Integers]:
    """The shots (S, 2) that the field cuts a benchmark's videos into, by `video_N`."""
    return {
        name: covering(name, video["shots"], video["n_frames"])
        for name, video in _carried(kind).items()
    }


class Known(NamedTuple):
    """One of a benchmark's videos, as the field numbers it."""

    name: str
    title: str
    n_frames: int


def known(kind: Benchmark) -> list[Known]:
    """A benchmark's videos in the field's order."""
    carried = _carried(kind).items()
    return [Known(name, video["title"], video["n_frames"]) for name, video in carried]


def expected(kind: Benchmark, dataset: str) -> Timeline:
    """A benchmark's timeline as its annotations will make it: every 15th frame, the field's shots.
    Its rates are not known, and nothing but the time axis hangs on them.
    """
    videos = [Video.sampled(*one) for one in known(kind)]
    return Timeline(dataset, tuple(with_field(kind, videos)))


def with_field(kind: Benchmark, videos: Iterable[Video]) -> list[Video]:
    """The videos, each with the field's shots of that title; without any where it has none.

    Raises UserError where a video has another number of frames than its shots are for.
    """
    by_title = {form(video["title"]): video for video in _carried(kind).values()}
    placed = []
    for video in videos:
        known = by_title.get(form(video.title))
        if known and known["n_frames"] != video.n_frames:
            raise UserError(
                f"{video.name} ({video.title}) has {video.n_frames} frames, and {NAMES[kind]}'s "
                f"{known['n_frames']}: it is another version. Fetch the annotations anew, or name "
                "an h5 of the field's schema with its shots as download.h5 in params.yaml"
            )
        placed.append(video.with_shots(known["shots"], "field") if known else video)
    if strangers := [video.title for video in placed if video.shots_S2 is None]:
        log.warning(
            "no shots are known of %s: not %s's videos?", ", ".join(strangers[:5]), NAMES[kind]
        )
    return placed


def read(path: Path, n_frames: Sequence[int]) -> list[Integers]:
    """Shots (S, 2) of every video in the field's order (`video_1`, …): inclusive [start, end].

    Args:
        path: `shot_TVSum.mat`, or an h5 of the field's schema.
        n_frames: of each video, in the same order.

    Raises:
        UserError: neither of the two, without shots, or of other videos.
    """
    found = _of_mat(path) if path.suffix == ".mat" else _of_h5(path)
    if len(found) != len(n_frames):
        raise UserError(f"{path}: shots of {len(found)} videos, for {len(n_frames)} annotated ones")
    for number, (shots_S2, frames) in enumerate(zip(found, n_frames, strict=True), 1):
        if not len(shots_S2) or shots_S2[0, 0] != 0 or shots_S2[-1, 1] != frames - 1:
            ends = f"{shots_S2[0, 0]} to {shots_S2[-1, 1]}" if len(shots_S2) else "none"
            raise UserError(
                f"{path}: the shots of video_{number} should go from 0 to {frames - 1}, the last "
                f"annotated frame; found {ends}. Is it another dataset's?"
            )
    return found


def _of_mat(path: Path) -> list[Integers]:
    expected = "TVSum's shot_TVSum.mat (a .mat with shot_boundaries)"
    with matlab.reading(path, expected) as content:
        cells = content["shot_boundaries"].ravel()
        found = [np.asarray(cell, dtype=np.float64).ravel() for cell in cells]
    for number, cuts in enumerate(found, 1):
        if (cuts % 1).any():
            raise UserError(f"{path}: video_{number}: a shot boundary lies between two frames")
    bounds = [cuts.astype(np.int64) for cuts in found]
    return [np.column_stack([each[:-1], each[1:] - 1]) for each in bounds]


def _of_h5(path: Path) -> list[Integers]:
    found = []
    for video in field_file.read(path).timeline.videos:
        if video.shots_S2 is None:
            raise UserError(f"{path}: {video.name} has no change_points, so it brings no shots")
        found.append(video.shots_S2)
    return found

"""Scores of the picked frames that others made, in whatever file, brought onto a timeline.

Shapes: T sampled frames.

JSON ``{video: [score, …]}`` or ``{video: {"picks": […], "scores": […]}}``; a CSV with the columns
video, score and, unless each video's lines are in order, pick; an h5 with an array a video, or a
group that holds `scores` and maybe `picks`. In JSON and h5 the videos may lie deeper, beside those
of another dataset.
"""

import csv
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from stages.artifacts import hdf5
from stages.artifacts.names import matched
from stages.artifacts.timeline import Timeline, same_picks
from stages.artifacts.video import Video
from stages.errors import UserError
from stages.sources.given import Pick, at_hand, of_videos, parsed, same_length, some, validated

Floats = npt.NDArray[np.float64]

PICKS, SCORES = ("picks", "sampled_indices"), ("scores", "score")
"""What others call the two in a video's entry."""

HDF5 = (".h5", ".hdf5")
_COLUMNS = ("video", "score")
_LARGEST = 1e100
"""Sums of more would not be numbers."""
_EXPECTED = (
    'expected JSON {video: [score, …]} or {video: {"picks": [0, 15, …], "scores": [score, …]}}, '
    "a .csv with the columns video,pick,score, or an h5 of video_1/scores, …"
)


def rows(places: Mapping[str, str], timeline: Timeline) -> dict[str, dict[str, Floats]]:
    """Every row's scores (T,) of every video, from a file a row. Raises UserError as `read`."""
    return {
        row: read(at_hand(place, f"given.rows.{row}"), timeline) for row, place in places.items()
    }


def read(
    path: Path, timeline: Timeline, *, partial: bool = False, every_frame: bool = False
) -> dict[str, Floats]:
    """The scores (T,) of a timeline's videos by `video_N`, in the timeline's order.

    Args:
        path: of the file.
        timeline: the videos to be scored.
        partial: whether some of the videos are enough.
        every_frame: the file has a score for every frame of a video; those at the picks are taken.

    Raises:
        UserError: the file is not one of the forms, of another dataset, lacks a video, or holds
            scores that are not finite, not as many as they should be, or of other frames.
    """
    remedy = "name a file that has every one"
    remedy += ", or judge those that are there with `llmvs judge --partial`"
    with _opened(path) as document:
        entries = of_videos(
            path, _naming(path, document, timeline), timeline, "scores", remedy, partial=partial
        )
        return {
            video.name: _scores(path, video, entries[video.name], every_frame)
            for video in timeline.videos
            if video.name in entries
        }


@contextmanager
def _opened(path: Path) -> Iterator[Mapping[str, Any]]:
    """What a file holds, by name, while the block lasts."""
    if path.suffix.lower() in HDF5 or h5py.is_hdf5(path):
        with hdf5.reading(path, _EXPECTED) as file:
            yield file
    elif path.suffix.lower() == ".csv":
        yield _table(path)
    else:
        yield parsed(path, path.read_bytes(), _EXPECTED)


def _naming(path: Path, document: Mapping[str, Any], timeline: Timeline) -> Mapping[str, Any]:
    """The part of a document that names a timeline's videos, however deep it lies."""
    titles = [(video.name, video.title) for video in timeline.videos]
    level = {"": document}
    while level:
        naming = {place: part for place, part in level.items() if matched(part, titles, path)[0]}
        if len(naming) > 1:
            raise UserError(
                f"{path}: names videos of {timeline.dataset} under {' and under '.join(naming)}; "
                "name a file with one set of scores"
            )
        if naming:
            return next(iter(naming.values()))
        level = {
            f"{place}/{key}".removeprefix("/"): inner
            for place, part in level.items()
            for key, inner in part.items()
            if isinstance(inner, Mapping) and not _is_entry(inner)
        }
    return document


def _is_entry(part: Mapping[str, Any]) -> bool:
    """Whether a part of a document is what is said of one video, so that none lies deeper."""
    return any(key in part and not isinstance(part[key], Mapping) for key in (*PICKS, *SCORES))


def _table(path: Path) -> dict[str, dict[str, list[Any]]]:
    """A CSV as the entries of its videos; with picks, lines may come in any order."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8 text ({error}); {_EXPECTED}") from error
    reader = csv.reader(lines)
    try:
        rows = [(reader.line_num, cells) for cells in reader if cells]
    except csv.Error as error:  # as where a quote that is never closed swallows the rest
        raise UserError(
            f"{path}, line {reader.line_num}: {error}; is there a quote too many? {_EXPECTED}"
        ) from error
    header = [name.strip().lower() for name in (rows[0][1] if rows else ())]
    wanted = (*_COLUMNS, "pick") if "pick" in header else _COLUMNS
    if lacking := [name for name in wanted if header.count(name) != 1]:
        raise UserError(
            f"{path}: its first line must name one column {' and one '.join(lacking)}, and has "
            f"{', '.join(header) or 'nothing'}; {_EXPECTED}"
        )
    found: dict[str, dict[int, float]] = {}
    for number, cells in rows[1:]:
        where = f"{path}, line {number}"
        if len(cells) != len(header):
            raise UserError(f"{where}: {len(cells)} cells under {len(header)} columns")
        line = dict(zip(header, cells, strict=True))
        frames = found.setdefault(line["video"].strip(), {})
        try:
            pick = int(line["pick"]) if "pick" in line else len(frames)
            score = float(line["score"])
        except ValueError as error:
            raise UserError(
                f"{where}: {error}; a pick is the number of a frame and a score a number"
            ) from error
        if pick in frames:
            raise UserError(f"{where}: frame {pick} of {line['video']} occurs twice")
        frames[pick] = score
    if "pick" not in header:
        if others := [name for name in header if name not in _COLUMNS]:
            named = ", ".join(name or "the one without a name" for name in others)
            raise UserError(
                f"{path}: has no column pick, and it may be that {named} names the frames; call "
                f"that column pick, or leave out what does not; {_EXPECTED}"
            )
        return {name: {"scores": list(frames.values())} for name, frames in found.items()}
    return {
        name: {"picks": sorted(frames), "scores": [frames[pick] for pick in sorted(frames)]}
        for name, frames in found.items()
    }


def _scores(path: Path, video: Video, entry: Any, every_frame: bool) -> Floats:
    where = f"{path}: {video.name} ({video.title})"
    picks, given = None, entry
    if isinstance(entry, Mapping):
        picks = next((entry[key] for key in PICKS if key in entry), None)
        called = next((key for key in SCORES if key in entry), None)
        if called is None:
            has = some(list(entry)) or "nothing"
            raise UserError(f"{where}: has no scores (has {has}); {_EXPECTED}")
        given = entry[called]
    scores_T = np.array(_numbers(given, list[float], where), dtype=np.float64)
    beside = entry if isinstance(entry, Mapping) and picks is None else {}
    if numbers := [key for key in beside if _frames(beside[key], given, len(scores_T))]:
        raise UserError(
            f"{where}: has no {PICKS[0]}, and {numbers[0]} looks like the numbers of the frames; "
            f"call it {PICKS[0]}, or leave it out"
        )
    wrong = np.flatnonzero(~(np.abs(scores_T) <= _LARGEST))
    if len(wrong):
        raise UserError(
            f"{where}: score number {wrong[0] + 1} is {scores_T[wrong[0]]} ({len(wrong)} of "
            f"{len(scores_T)} are so); every score must be a finite number, of {_LARGEST:g} at most"
        )
    frames_T = np.arange(video.n_frames) if every_frame else video.picks_T
    if picks is not None:
        picks_T = np.asarray(_numbers(picks, list[Pick], where))
        same_length(picks_T, scores_T, "scores", where)
    if len(scores_T) != len(frames_T):
        raise UserError(_other_length(where, video, len(scores_T), every_frame))
    if picks is not None and not (every_frame and np.array_equal(picks_T, frames_T)):
        same_picks(video, picks_T, str(path))
    return scores_T[video.picks_T] if every_frame else scores_T


def _frames(held: Any, scores: Any, count: int) -> bool:
    """Whether a part of an entry may be numbers of frames: whole, all different, one a score."""
    if held is scores or isinstance(held, (str, Mapping)):
        return False
    try:
        numbers = np.asarray(held[()] if isinstance(held, h5py.Dataset) else held)
    except ValueError:  # lists of several lengths
        return False
    return (
        numbers.ndim == 1
        and numbers.dtype.kind in "iuf"
        and 1 < len(numbers) == count
        and len(np.unique(numbers)) == len(numbers)
        and bool((numbers == np.round(numbers)).all())
    )


def _numbers(given: Any, kind: Any, where: str) -> npt.ArrayLike:
    """Numbers in a row, of a list or of an array of an h5."""
    if not isinstance(given, h5py.Dataset):
        numbers: list[float] = validated(kind, given, where, _EXPECTED)
        return numbers
    if given.ndim != 1 or given.dtype.kind not in "iuf":
        raise UserError(
            f"{where}: {given.name} holds {given.dtype} in the shape {given.shape}; {_EXPECTED}"
        )
    return np.asarray(given[()])


def _other_length(where: str, video: Video, count: int, every_frame: bool) -> str:
    said = f"{where}: {count} scores, and its timeline picks {len(video.picks_T)} of "
    said += f"{video.n_frames} frames; "
    if count == video.n_frames:
        return said + (
            "these are of every frame: give those of the picks, or let `llmvs judge --every-frame` "
            "take them there"
        )
    if every_frame:
        return said + "--every-frame takes a score for each frame; without it, one for each pick"
    first = ", ".join(map(str, video.picks_T[:3]))
    return said + f"give one for each pick ({first}, …)"

"""Captions and scores that a recipe is given, brought onto the dataset's timeline.

Shapes: T sampled frames.
"""

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, TypeAdapter, ValidationError

from stages.artifacts.captions import Caption
from stages.artifacts.names import matched
from stages.artifacts.timeline import Timeline, same_picks
from stages.errors import UserError
from stages.sources.fetch import Remote, fetch
from stages.sources.settings import Captions

log = logging.getLogger("llmvs")

T = TypeVar("T")
Floats = npt.NDArray[np.float64]
Pick = Annotated[int, Field(ge=0)]
Words = Annotated[str, Field(min_length=1)]

_CAPTIONS = (
    'expected {video: {"picks": [0, 15, …], "captions": ["…", "…", …]}}, or a line '
    '{"video": "video_1", "pick": 0, "caption": "…"} a frame'
)
_SCORES = 'expected {video: [score, …]} or {video: {"picks": [0, 15, …], "scores": [score, …]}}'


class _Given(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True)

    picks: list[Pick]


class _Captioned(_Given):
    """One video's entry."""

    captions: list[Words]


class _Scored(_Given):
    """One video's entry."""

    scores: list[FiniteFloat]


def captions(given: Captions, timeline: Timeline, work: Path) -> list[Caption]:
    """A caption of every picked frame of every video, in the timeline's order.

    Args:
        given: where they are; of an address, fetched into `work` once.
        timeline: the videos to be described.
        work: kept across runs.

    Raises:
        UserError: the file is not there, not what it should be, of another dataset, lacks a video,
            or holds captions of other frames than the timeline picks.
    """
    path = _captions_file(given, work)
    said = of_videos(path, _captioned(path), timeline, "captions")
    for video in timeline.videos:
        same_picks(video, [caption.pick for caption in said[video.name]], str(path))
    return [
        caption.model_copy(update={"video": name})
        for name in timeline.names
        for caption in said[name]
    ]


def scores(rows: Mapping[str, str], timeline: Timeline) -> dict[str, dict[str, Floats]]:
    """Every row's scores (T,) of every video, read from a JSON file a row.

    Raises UserError as `captions` does, and where a score is not a finite number.
    """
    found: dict[str, dict[str, Floats]] = {}
    for row, place in rows.items():
        path = _at_hand(place, f"given.rows.{row}")
        entries = of_videos(path, _parsed(path, path.read_bytes(), _SCORES), timeline, "scores")
        found[row] = {}
        for video in timeline.videos:
            where = f"{path}: {video.name} ({video.title})"
            entry = entries[video.name]
            if isinstance(entry, dict):
                scored: _Scored = _validated(_Scored, entry, where, _SCORES)
                _same_length(scored.picks, scored.scores, "scores", where)
                same_picks(video, scored.picks, str(path))
                numbers = scored.scores
            else:
                numbers = _validated(list[FiniteFloat], entry, where, _SCORES)
            if len(numbers) != len(video.picks_T):
                raise UserError(
                    f"{where}: {len(numbers)} scores, and its timeline picks "
                    f"{len(video.picks_T)} of {video.n_frames} frames"
                )
            found[row][video.name] = np.array(numbers, dtype=np.float64)
    return found


def of_videos(path: Path, found: Mapping[str, T], timeline: Timeline, what: str) -> dict[str, T]:
    """What a file holds of a timeline's videos, by `video_N`, however the file spells them.

    Args:
        path: of the file, for messages.
        found: by whatever the file calls a video.
        timeline: the videos wanted, all of them.
        what: the file holds, for messages.

    Raises:
        UserError: the file names none of the videos, not all, or one of them in two ways.
    """
    titles = {video.name: video.title for video in timeline.videos}
    matches, strangers = matched(found, titles.items(), path)
    if not matches:
        raise UserError(
            f"{path}: holds {what} of {_some(list(found))}; none is a video of "
            f"{timeline.dataset} ({_some([f'{n} {t}' for n, t in titles.items()])}). Another "
            "dataset's?"
        )
    if missing := [f"{name} ({titles[name]})" for name in titles if name not in matches]:
        raise UserError(
            f"{path}: lacks {what} of {_some(missing)}, {len(missing)} of {len(titles)} videos; "
            "name a file that has every one"
        )
    if strangers:
        log.warning("%s: also names %s, which are left out", path, _some(strangers))
    return matches


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (" …" if names[3:] else "") if names else "nothing"


def _at_hand(place: str, key: str) -> Path:
    path = Path(place).expanduser()
    if not path.is_file():
        raise UserError(f"params.yaml: {key}: there is no file {place}; name one that is here")
    return path


def _captions_file(given: Captions, work: Path) -> Path:
    if given.source is not None:
        return _at_hand(given.source, "given.source")
    assert given.url is not None  # the settings ask for one of the two
    return fetch(Remote(given.url, given.sha256), work)


def _captioned(path: Path) -> dict[str, list[Caption]]:
    """Captions by whatever the file calls a video, picks in the file's order or rising."""
    content = path.read_bytes()
    try:
        first = json.loads(content.partition(b"\n")[0])
    except ValueError:
        first = None  # the beginning of a document of several lines
    if isinstance(first, dict) and {"video", "pick"} & set(first):
        return _lines(path, content)
    videos = {}
    for name, entry in _parsed(path, content, _CAPTIONS).items():
        where = f"{path}: {name}"
        one: _Captioned = _validated(_Captioned, entry, where, _CAPTIONS)
        _same_length(one.picks, one.captions, "captions", where)
        videos[name] = [
            Caption(video=name, pick=pick, caption=words)
            for pick, words in zip(one.picks, one.captions, strict=True)
        ]
    return videos


def _lines(path: Path, content: bytes) -> dict[str, list[Caption]]:
    """JSON lines as this project writes them, in any order."""
    videos: dict[str, dict[int, Caption]] = {}
    for number, line in enumerate(content.removesuffix(b"\n").split(b"\n"), 1):
        where = f"{path}, line {number}"
        try:
            document = json.loads(line)
        except ValueError as error:
            raise UserError(f"{where}: not JSON ({error}); {_CAPTIONS}") from error
        caption: Caption = _validated(Caption, document, where, _CAPTIONS)
        if not caption.caption:
            raise UserError(f"{where}: nothing is said of frame {caption.pick} of {caption.video}")
        frames = videos.setdefault(caption.video, {})
        if caption.pick in frames:
            raise UserError(f"{where}: frame {caption.pick} of {caption.video} occurs twice")
        frames[caption.pick] = caption
    return {name: [frames[pick] for pick in sorted(frames)] for name, frames in videos.items()}


def _parsed(path: Path, content: bytes, expected: str) -> dict[str, Any]:
    """A JSON object."""
    try:
        document = json.loads(content)
    except ValueError as error:
        raise UserError(f"{path} is not JSON ({error}); {expected}") from error
    if not isinstance(document, dict):
        raise UserError(f"{path} holds no videos by name; {expected}")
    return document


def _validated(kind: Any, entry: Any, where: str, expected: str) -> Any:
    try:
        return TypeAdapter(kind).validate_python(entry, strict=True)
    except ValidationError as error:
        detail = error.errors()[0]
        key = ".".join(map(str, detail["loc"]))
        said = f"{key}: {detail['msg']}" if key else detail["msg"]
        raise UserError(f"{where}: {said}; {expected}") from error


def _same_length(picks: list[int], given: list[Any], what: str, where: str) -> None:
    if len(picks) != len(given):
        raise UserError(
            f"{where}: {len(given)} {what} for {len(picks)} picks; there must be one for each"
        )

"""Captions: JSON lines, one a sampled frame."""

import json
from array import array
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from stages.artifacts.names import natural
from stages.artifacts.timeline import Timeline, same_picks
from stages.errors import UserError, anew
from stages.section import fault
from stages.work.files import replacing
from stages.work.on_demand import MadeAnew, OnDemand

_AGAIN = anew()
_OBJECT = 1000
"""Bytes of memory of a caption beside its words, about."""


class Caption(BaseModel):
    """One line: which frame of which video, and what is said of it.

    Where the captioner was asked for the score itself: its `reply`, and the `score` it holds, from
    0 to 1.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    video: str = Field(min_length=1)
    pick: int = Field(ge=0, lt=2**63)
    caption: str = Field(min_length=1)
    reply: str | None = None
    score: float | None = Field(default=None, ge=0, le=1)


def write(path: Path, captions: Iterable[Caption]) -> None:
    """Write captions in the order they come, whole or not at all."""
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        for caption in captions:
            asked = caption.reply is not None
            line = caption.model_dump(exclude=None if asked else {"reply", "score"})
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


def read(path: Path) -> Mapping[str, list[Caption]]:
    """Every video's captions, videos in natural order, picks ascending.

    All lines are looked at; a video's captions are read again when they are asked for, and kept
    where there is room for all.

    Raises:
        UserError: the file is absent or empty, a line is not what it should be (its number is
            named), nothing is said of a frame, or a frame occurs twice.
    """
    return _Captions(path, _places(path)[0])


Spans: TypeAlias = "array[int]"
"""Where a video's lines are: the first byte of each unbroken run of them, and that after it."""


def _places(path: Path) -> tuple[dict[str, Spans], dict[str, "array[int]"]]:
    """Where each video's captions are, videos in natural order, and which frames they are of.

    Raises UserError as `read`.
    """
    spans: dict[str, Spans] = {}
    picks: dict[str, array[int]] = {}
    end = 0
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                where = f"{path}, line {number}"
                caption = _parsed(line, where)
                seen = picks.setdefault(caption.video, array("q"))
                rising = not seen or caption.pick > seen[-1]
                if not rising and caption.pick in seen:
                    raise UserError(
                        f"{where}: frame {caption.pick} of {caption.video} occurs twice"
                    )
                seen.append(caption.pick)
                runs = spans.setdefault(caption.video, array("q"))
                if not runs or runs[-1] != end:
                    runs.extend((end, end))
                end += len(line)
                runs[-1] = end
    except FileNotFoundError as error:
        raise UserError(f"{path} not found; {_AGAIN}") from error
    if not spans:
        raise UserError(f"{path} holds no caption; {_AGAIN}")
    return {video: spans[video] for video in sorted(spans, key=natural)}, picks


def _parsed(line: bytes, where: str) -> Caption:
    """One line. Raises UserError, saying where, where it is no caption."""
    try:
        found = json.loads(line.removesuffix(b"\n").decode())
        if isinstance(found, dict) and found.get("caption") == "":
            raise UserError(
                f"{where}: nothing is said of frame {found.get('pick')} of "
                f"{found.get('video')}; {_AGAIN}"
            )
        return Caption.model_validate(found)
    except UnicodeDecodeError as error:
        raise UserError(f"{where} is not UTF-8 text: {error}; {_AGAIN}") from error
    except (json.JSONDecodeError, ValidationError) as error:
        raise UserError(
            f"{where}: not a caption ({_reason(error)}); expected "
            f'{{"video": "video_1", "pick": 0, "caption": "..."}}; {_AGAIN}'
        ) from error


class _Captions(OnDemand[list[Caption]]):
    """A file's captions, picks ascending."""

    def __init__(self, path: Path, places: Mapping[str, Spans]) -> None:
        super().__init__(places)
        self._path, self._places = path, places

    def make(self, name: str) -> list[Caption]:
        found = []
        with self._path.open("rb") as file:
            runs = self._places[name]
            for start, end in zip(runs[::2], runs[1::2], strict=True):
                file.seek(start)
                # Only a newline ends a line: a caption may hold the others that Unicode knows.
                lines = file.read(end - start).removesuffix(b"\n").split(b"\n")
                found += [_parsed(line, f"{self._path}: {name}") for line in lines]
        return sorted(found, key=lambda caption: caption.pick)

    def size(self, value: list[Caption]) -> int:
        return sum(_OBJECT + len(caption.caption) for caption in value)


def of_timeline(path: Path, timeline: Timeline) -> Mapping[str, list[Caption]]:
    """The captions of every video of a timeline, in its order, one a pick.

    Raises:
        UserError: as `read`, or where a video has none, is not on the timeline, or has captions of
            other frames than the timeline picks.
    """
    places, picks = _places(path)
    if unknown := [video for video in places if video not in timeline.by_name]:
        raise UserError(f"{path}: {', '.join(unknown)} not on the timeline; {_AGAIN}")
    if missing := [video for video in timeline.names if video not in places]:
        raise UserError(f"{path}: says nothing of {', '.join(missing)}; {_AGAIN}")
    for video in timeline.videos:
        same_picks(video, sorted(picks[video.name]), str(path))
    return _Captions(path, {video: places[video] for video in timeline.names})


def _reason(error: json.JSONDecodeError | ValidationError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at column {error.colno}"
    return fault(error)


class Words(MadeAnew[list[str]]):
    """The captions' words alone."""

    def __init__(self, said: Mapping[str, Sequence[Caption]]) -> None:
        super().__init__(said)
        self._said = said

    def make(self, name: str) -> list[str]:
        return [frame.caption for frame in self._said[name]]

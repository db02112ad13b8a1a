"""Captions: JSON lines, one a sampled frame."""

import json
from collections.abc import Iterable
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from stages.artifacts import text
from stages.artifacts.names import natural
from stages.artifacts.timeline import Timeline, same_picks
from stages.errors import UserError
from stages.section import fault
from stages.work.files import replacing

_AGAIN = "run the stage that makes it again (`dvc repro`)"


class Caption(BaseModel):
    """One line: which frame of which video, and what is said of it.

    Where the captioner was asked for the score itself: its `reply`, and the `score` it holds, from
    0 to 1.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    video: str = Field(min_length=1)
    pick: int = Field(ge=0)
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


def read(path: Path) -> dict[str, list[Caption]]:
    """Every video's captions, videos in natural order, picks ascending.

    Raises:
        UserError: the file is absent or empty, a line is not what it should be (its number is
            named), nothing is said of a frame, or a frame occurs twice.
    """
    # Only a newline ends a line: a caption may hold the other separators Unicode knows.
    lines = text.read(path, _AGAIN).removesuffix("\n").split("\n")
    if lines == [""]:
        raise UserError(f"{path} holds no caption; {_AGAIN}")
    videos: dict[str, dict[int, Caption]] = {}
    for number, line in enumerate(lines, start=1):
        where = f"{path}, line {number}"
        try:
            found = json.loads(line)
            if isinstance(found, dict) and found.get("caption") == "":
                raise UserError(
                    f"{where}: nothing is said of frame {found.get('pick')} of "
                    f"{found.get('video')}; {_AGAIN}"
                )
            caption = Caption.model_validate(found)
        except (json.JSONDecodeError, ValidationError) as error:
            raise UserError(
                f"{where}: not a caption ({_reason(error)}); expected "
                f'{{"video": "video_1", "pick": 0, "caption": "..."}}; {_AGAIN}'
            ) from error
        frames = videos.setdefault(caption.video, {})
        if caption.pick in frames:
            raise UserError(f"{where}: frame {caption.pick} of {caption.video} occurs twice")
        frames[caption.pick] = caption
    return {
        video: [videos[video][pick] for pick in sorted(videos[video])]
        for video in sorted(videos, key=natural)
    }


def of_timeline(path: Path, timeline: Timeline) -> dict[str, list[Caption]]:
    """The captions of every video of a timeline, in its order, one a pick.

    Raises:
        UserError: as `read`, or where a video has none, is not on the timeline, or has captions of
            other frames than the timeline picks.
    """
    captions = read(path)
    if unknown := [video for video in captions if video not in timeline.by_name]:
        raise UserError(f"{path}: {', '.join(unknown)} not on the timeline; {_AGAIN}")
    if missing := [video for video in timeline.names if video not in captions]:
        raise UserError(f"{path}: says nothing of {', '.join(missing)}; {_AGAIN}")
    for video in timeline.videos:
        same_picks(video, [caption.pick for caption in captions[video.name]], str(path))
    return {video: captions[video] for video in timeline.names}


def _reason(error: json.JSONDecodeError | ValidationError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at column {error.colno}"
    return fault(error)

"""The caption stage's file: JSON lines, one a sampled frame."""

import json
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from stages.artifacts.names import natural
from stages.artifacts.timeline import Timeline, same_picks
from stages.errors import UserError


class Caption(BaseModel):
    """One line: which frame of which video, and what is said of it: nothing where the recipe's
    embeddings are given.

    Where the captioner was asked for the score itself: its `reply`, and the `score` it holds, from
    0 to 1.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    video: str = Field(min_length=1)
    pick: int = Field(ge=0)
    caption: str
    reply: str | None = None
    score: float | None = Field(default=None, ge=0, le=1)


def read(path: Path, needed: bool = True) -> dict[str, list[Caption]]:
    """Every video's captions, videos in natural order, picks ascending.

    Args:
        path: JSON lines, as the caption stage writes them.
        needed: refuse a frame of which nothing is said.

    Raises:
        UserError: the file is absent or empty, a line is not what it should be (its number is
            named), or a frame occurs twice.
    """
    try:
        # Only a newline ends a line: a caption may hold the other separators Unicode knows.
        lines = path.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    except FileNotFoundError as error:
        raise UserError(f"{path} not found; the caption stage makes it (`dvc repro`)") from error
    except UnicodeDecodeError as error:
        raise UserError(
            f"{path} is not UTF-8 text: {error}; run the caption stage again"
        ) from error
    if lines == [""]:
        raise UserError(f"{path} holds no caption; run the caption stage again")
    videos: dict[str, dict[int, Caption]] = {}
    for number, line in enumerate(lines, start=1):
        try:
            caption = Caption.model_validate(json.loads(line))
        except (json.JSONDecodeError, ValidationError) as error:
            raise UserError(
                f"{path}, line {number}: not a caption ({_reason(error)}); expected "
                '{"video": "video_1", "pick": 0, "caption": "..."}. Run the caption stage again'
            ) from error
        if needed and not caption.caption:
            raise UserError(
                f"{path}, line {number}: nothing is said of frame {caption.pick} of "
                f"{caption.video}; run the caption stage again"
            )
        frames = videos.setdefault(caption.video, {})
        if caption.pick in frames:
            raise UserError(
                f"{path}, line {number}: frame {caption.pick} of {caption.video} occurs twice"
            )
        frames[caption.pick] = caption
    return {
        video: [videos[video][pick] for pick in sorted(videos[video])]
        for video in sorted(videos, key=natural)
    }


def of_timeline(path: Path, timeline: Timeline) -> dict[str, list[Caption]]:
    """The captions of a timeline's videos, one a pick.

    Raises UserError as `read`, and where a video has none or they are of other picks.
    """
    said = read(path)
    for video in timeline.videos:
        if video.name not in said:
            raise UserError(f"{path}: lacks {video.name}; run the caption stage (`dvc repro`)")
        same_picks(video, [caption.pick for caption in said[video.name]], str(path))
    return {video.name: said[video.name] for video in timeline.videos}


def _reason(error: json.JSONDecodeError | ValidationError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at column {error.colno}"
    detail = error.errors()[0]
    where = ".".join(map(str, detail["loc"]))
    return f"{where}: {detail['msg']}" if where else detail["msg"]

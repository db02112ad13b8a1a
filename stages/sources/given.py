"""Captions that a recipe is given, and how a file of others names the dataset's videos."""

import json
import logging
from collections.abc import Mapping, Sized
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from stages.artifacts.captions import Caption
from stages.artifacts.names import matched, nearest
from stages.artifacts.timeline import Timeline, same_picks
from stages.errors import UserError
from stages.section import fault
from stages.sources.fetch import Remote, fetch
from stages.sources.settings import Captions

log = logging.getLogger("llmvs")

T = TypeVar("T")
Pick = Annotated[int, Field(ge=0)]
Words = Annotated[str, Field(min_length=1)]

_CAPTIONS = (
    'expected {video: {"picks": [0, 15, …], "captions": ["…", "…", …]}}, or a line '
    '{"video": "video_1", "pick": 0, "caption": "…"} a frame'
)


class _Captioned(BaseModel):
    """One video's entry."""

    model_config = ConfigDict(frozen=True, strict=True)

    picks: list[Pick]
    captions: list[Words]


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


def of_videos(
    path: Path,
    found: Mapping[str, T],
    timeline: Timeline,
    what: str,
    remedy: str = "name a file that has every one",
    *,
    partial: bool = False,
) -> dict[str, T]:
    """What a file holds of a timeline's videos, by `video_N`, however the file spells them.

    Args:
        path: of the file, for messages.
        found: by whatever the file calls a video.
        timeline: the videos wanted, all of them.
        what: the file holds, for messages.
        remedy: of a video that is missing, for messages.
        partial: whether some of the videos are enough.

    Raises:
        UserError: the file names none of the videos, not all, or one of them in two ways.
    """
    titles = {video.name: video.title for video in timeline.videos}
    matches, strangers = matched(found, titles.items(), path)
    if not matches:
        raise UserError(
            f"{path}: holds {what} of {some(list(found))}; none is a video of "
            f"{timeline.dataset} ({some([f'{n} {t}' for n, t in titles.items()])}). Another "
            "dataset's?"
        )
    missing = [] if partial else [name for name in titles if name not in matches]
    if missing:
        listed = some([f"{name} ({titles[name]})" for name in missing])
        raise UserError(
            f"{path}: lacks {what} of {listed}, {len(missing)} of {len(titles)} videos; "
            f"{_unknown(strangers, [titles[name] for name in missing])}{remedy}"
        )
    if strangers:
        log.warning("%s: also names %s, which are left out", path, some(strangers))
    return matches


def _unknown(strangers: list[str], missing: list[str]) -> str:
    """Names in a file that no video has, and which video each may mean."""
    if not strangers:
        return ""
    near = {name: nearest(name, missing) for name in strangers[:4]}
    meant = [f"{name} (is it {title}?)" if title else name for name, title in near.items()]
    return f"it also names {some(meant)}, which no video is called; "


def some(names: list[str]) -> str:
    """The first names, for a message."""
    return ", ".join(names[:3]) + (" …" if names[3:] else "") if names else "nothing"


def at_hand(place: str, key: str) -> Path:
    """The file that the recipe names under `key`. Raises UserError where it is not there."""
    path = Path(place).expanduser()
    if not path.is_file():
        raise UserError(f"params.yaml: {key}: there is no file {place}; name one that is here")
    return path


def _captions_file(given: Captions, work: Path) -> Path:
    if given.source is not None:
        return at_hand(given.source, "given.source")
    assert given.url is not None  # the settings ask for one of the two
    return fetch(Remote(given.url, given.sha256, "name it as given.source in params.yaml"), work)


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
    for name, entry in parsed(path, content, _CAPTIONS).items():
        where = f"{path}: {name}"
        one: _Captioned = validated(_Captioned, entry, where, _CAPTIONS)
        same_length(one.picks, one.captions, "captions", where)
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
        caption: Caption = validated(Caption, document, where, _CAPTIONS)
        if not caption.caption:
            raise UserError(f"{where}: nothing is said of frame {caption.pick} of {caption.video}")
        frames = videos.setdefault(caption.video, {})
        if caption.pick in frames:
            raise UserError(f"{where}: frame {caption.pick} of {caption.video} occurs twice")
        frames[caption.pick] = caption
    return {name: [frames[pick] for pick in sorted(frames)] for name, frames in videos.items()}


def parsed(path: Path, content: bytes, expected: str) -> dict[str, Any]:
    """A JSON object. Raises UserError where the content is none, or names something twice."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in names if names.count(name) > 1)
            raise UserError(f"{path}: {twice!r} stands twice in one place of it; name each once")
        return found

    try:
        document = json.loads(content, object_pairs_hook=once)
    except (ValueError, RecursionError) as error:  # nested a thousand deep
        raise UserError(f"{path} is not JSON ({error}); {expected}") from error
    if not isinstance(document, dict):
        raise UserError(f"{path} holds no videos by name; {expected}")
    return document


def validated(kind: Any, entry: Any, where: str, expected: str) -> Any:
    """An entry as its model. Raises UserError with its place and what was expected there."""
    try:
        return TypeAdapter(kind).validate_python(entry, strict=True)
    except ValidationError as error:
        raise UserError(f"{where}: {fault(error)}; {expected}") from error


def same_length(picks: Sized, given: Sized, what: str, where: str) -> None:
    """Raises UserError where not every pick has one of what is given."""
    if len(picks) != len(given):
        raise UserError(
            f"{where}: {len(given)} {what} for {len(picks)} picks; there must be one for each"
        )

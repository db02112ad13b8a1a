"""Videos' names: their order, and the forms in which the field spells them.

A video is `video_N` in the field's h5, and has a title beside it: a YouTube id (TVSum) or the name
of its file (SumMe), whose spaces others write as underscores, and macOS in decomposed Unicode.
"""

import difflib
import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import TypeVar

from stages.errors import UserError

T = TypeVar("T")


def natural(name: str) -> str:
    """Sort key that puts video_2 before video_10."""
    return re.sub(r"\d+", _by_length, name)


def _by_length(digits: re.Match[str]) -> str:
    number = str(int(digits[0]))
    # The first character ends the text before, and a longer number is a larger one.
    return f"\0{len(number):04d}{number}"


def form(name: str) -> str:
    """What the spellings of one name have in common: composed Unicode, underscores as spaces."""
    return unicodedata.normalize("NFC", name).replace("_", " ")


def _any_case(name: str) -> str:
    return form(name).casefold()


def matched(
    found: Mapping[str, T], videos: Iterable[tuple[str, str]], origin: object
) -> tuple[dict[str, T], list[str]]:
    """What a file or folder holds, by `video_N`, and the names in it that no video has.

    The surest names are given away first: those written as the video's name or title, then those
    of the same `form`, and of what is left those that differ in capitals alone.

    Args:
        found: by whatever the file calls a video.
        videos: name and title of each video there is.
        origin: the file, for messages.

    Raises:
        UserError: two names are as near to one video, or two videos to one name; or a video goes
            by two names.
    """
    wanted = dict(videos)
    matches: dict[str, str] = {}
    for spelt in (str, form, _any_case):
        free: dict[str, list[str]] = {}
        for name in found.keys() - matches.values():
            free.setdefault(spelt(name), []).append(name)
        taken: dict[str, str] = {}
        for video, title in wanted.items():
            near = next((free[key] for key in map(spelt, (video, title)) if key in free), None)
            if video in matches or near is None:
                continue
            other = taken.setdefault(near[0], video)
            if len(near) > 1 or other != video:
                called = " and ".join(f"{name!r}" for name in sorted(near))
                of = " or ".join(f"{one} ({wanted[one]})" for one in dict.fromkeys((other, video)))
                raise UserError(
                    f"{origin}: {called} may mean {of}; name each video once, by its own title"
                )
        matches |= {video: name for name, video in taken.items()}
    used = set(matches.values())
    others = [name for name in found if name not in used]
    _refuse_second(matches, wanted, others, origin)
    return {video: found[matches[video]] for video in wanted if video in matches}, others


def _refuse_second(
    matches: Mapping[str, str], wanted: Mapping[str, str], others: Iterable[str], origin: object
) -> None:
    """Raises UserError where what no video was given is the name of one that has another. Capitals
    count: another dataset's "cooking" is not SumMe's "Cooking".
    """
    left = {form(name): name for name in others}
    for video, name in matches.items():
        for own in (video, wanted[video]):
            if form(own) in left:
                raise UserError(
                    f"{origin}: {name!r} and {left[form(own)]!r} are both {video} "
                    f"({wanted[video]}); name each video once"
                )


def nearest(name: str, others: Iterable[str]) -> str | None:
    """Of other names the most alike, where one is alike at all: for messages."""
    by_form = {_any_case(other): other for other in others}
    alike = difflib.get_close_matches(_any_case(name), by_form, n=1)
    return by_form[alike[0]] if alike else None

"""Videos' names: their order, and the forms in which the field spells them.

A video is `video_N` in the field's h5, and has a title beside it: a YouTube id (TVSum) or the name
of its file (SumMe), whose spaces others write as underscores.
"""

import re
from collections.abc import Iterable, Mapping
from typing import TypeVar

T = TypeVar("T")


def natural(name: str) -> list[tuple[int, str]]:
    """Sort key that puts video_2 before video_10."""
    parts = re.split(r"(\d+)", name)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


def spellings(name: str, title: str) -> list[str]:
    """Every form in which a file may name a video, the surest first."""
    return list(dict.fromkeys((name, title, title.replace(" ", "_"), title.replace("_", " "))))


def matched(
    found: Mapping[str, T], videos: Iterable[tuple[str, str]]
) -> tuple[dict[str, T], list[str]]:
    """What a file holds, by `video_N`, and the names in it that no video has.

    Args:
        found: by whatever the file calls a video.
        videos: name and title of each video there is.
    """
    matches: dict[str, T] = {}
    used: set[str] = set()
    for name, title in videos:
        spelt = next((form for form in spellings(name, title) if form in found), None)
        if spelt is not None:
            matches[name] = found[spelt]
            used.add(spelt)
    return matches, [name for name in found if name not in used]

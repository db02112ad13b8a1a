"""Videos to learn from that memory does not hold together: read when asked for, the last ones kept.

What fits is held as a plain dict and plain lists, and nothing here is at work.
"""

import os
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import overload

import torch

from stages.errors import UserError
from stages.training.batches import Video
from stages.work import allowance

COPIES = 4
"""So many times the bytes of the videos are in memory while a row is trained: as they were read, on
one scale, and in float64 on the way there.
"""

Change = Callable[[Video], Video]


class Shelf(Mapping[str, Video]):
    """Videos by name, each read when it is asked for.

    Args:
        names: of the videos, in order.
        read: one of them.
        room: bytes of the videos that are kept after they were read; the one read last always is.
    """

    def __init__(self, names: Sequence[str], read: Callable[[str], Video], room: int) -> None:
        self._names, self._read, self._room = dict.fromkeys(names), read, room
        self._kept: OrderedDict[str, Video] = OrderedDict()
        self._bytes = 0

    def __getitem__(self, name: str) -> Video:
        if name not in self._names:
            raise KeyError(name)
        if name in self._kept:
            self._kept.move_to_end(name)
            return self._kept[name]
        video = self._read(name)
        self._kept[name] = video
        self._bytes += video.nbytes
        while self._bytes > self._room and len(self._kept) > 1:
            _, oldest = self._kept.popitem(last=False)
            self._bytes -= oldest.nbytes
        return video

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


@dataclass(frozen=True, eq=False)
class Row(Sequence[Video]):
    """Some videos of a shelf in an order, changed each time they are taken from it."""

    shelf: Shelf
    names: tuple[str, ...]
    changes: tuple[Change, ...] = ()

    @overload
    def __getitem__(self, index: int) -> Video: ...
    @overload
    def __getitem__(self, index: slice) -> "Row": ...
    def __getitem__(self, index: int | slice) -> "Video | Row":
        if isinstance(index, slice):
            return Row(self.shelf, self.names[index], self.changes)
        video = self.shelf[self.names[index]]
        for change in self.changes:
            video = change(video)
        return video

    def __len__(self) -> int:
        return len(self.names)


def chosen(videos: Mapping[str, Video], names: Sequence[str]) -> Sequence[Video]:
    """The videos of these names in their order: a list, or a row of the shelf they stand on."""
    if isinstance(videos, Shelf):
        return Row(videos, tuple(names))
    return [videos[name] for name in names]


def changed(videos: Sequence[Video], change: Change) -> Sequence[Video]:
    """The videos changed: a list, or a row that changes each when it is taken."""
    if isinstance(videos, Row):
        return Row(videos.shelf, videos.names, (*videos.changes, change))
    return [change(video) for video in videos]


def room(processes: int, where: torch.device) -> int:
    """Bytes that the videos of one of so many processes may take: `LLMVS_ROOM`, in gigabytes for
    all of them, without it half of the memory that is free, here and on the GPU they train on.

    Raises UserError where that is no number above 0.
    """
    said = os.environ.get("LLMVS_ROOM", "")
    if not said:
        free = allowance.free()
        if where.type == "cuda":
            free = min(free, torch.cuda.mem_get_info(where)[0])
        return int(free) // 2 // processes
    try:
        gigabytes = float(said)
    except ValueError:
        gigabytes = 0
    if not 0 < gigabytes < float("inf"):
        raise UserError(
            f"LLMVS_ROOM={said}: must be the gigabytes that videos may take in training"
        )
    return int(gigabytes * 1e9) // processes

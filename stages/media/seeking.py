"""Packets of some pieces of a film, without reading what lies far from all of them.

Nothing is left to the container's word: seeking is tried before anything is copied, and where it
does not lead to what a reading from the beginning would bring, that is what is done.

Shapes: N packets of the picture, in the order of storing.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import av.error
from av.container import InputContainer
from av.packet import Packet
from av.stream import Discard, Stream

from stages.media import keyframes, sound, video
from stages.media.keyframes import Packets, Piece

_INDEXED = ("mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm")
"""Containers, as FFmpeg calls them, that have a list of their keyframes."""

_LEAD = 2.0  # seconds before a piece from which its sound is read, wherever it is stored
_FAR = 10.0  # seconds between pieces from which it is quicker to seek than to read on
_LOOKED = 4000  # packets that are read until there is one of each stream


class Reader:
    """A film's picture, and its sound, as they are copied.

    number: the place of the picture's packet that was read last, in the order of storing. seeks:
    whether what lies far from the pieces is left out.
    """

    def __init__(
        self,
        film: Path,
        opened: tuple[InputContainer, Stream],
        packets: Packets,
        pieces: Sequence[Piece],
    ) -> None:
        self._source, self.picture = opened
        self._packets = packets
        self.sound = _heard(*opened)
        self.number = -1
        self._places = {pts: place for place, pts in enumerate(packets.pts_N.tolist())}
        self._stretches = _stretches(packets, pieces)
        self.seeks = (
            self._source.format.name in _INDEXED
            and len(self._places) == len(packets.pts_N)
            and self._leads(film)
        )

    def __iter__(self) -> "Iterator[Packet[Any]]":
        if not self.seeks:
            for packet in keyframes.read(self._source, *self._chosen()):
                if packet.stream_index == self.picture.index:
                    self.number += 1
                yield packet
            return
        heard: int | None = None
        for _, stop, start, end in self._stretches:
            if self.number >= stop:
                continue
            self._seek(self._source, self.picture, start)
            done, after = self.sound is None, heard
            for packet in keyframes.read(self._source, *self._chosen()):
                if packet.stream_index == self.picture.index:
                    number = self._places.get(packet.pts)
                    if number is None or number <= self.number:
                        continue
                    self.number = number
                elif packet.pts is None or (after is not None and packet.pts <= after):
                    continue
                else:
                    heard = packet.pts
                    done = packet.pts * packet.time_base >= end * self._packets.base
                yield packet
                if done and self.number >= stop:
                    break

    def _chosen(self) -> list[Stream]:
        return [self.picture] if self.sound is None else [self.picture, self.sound]

    def _seek(self, source: InputContainer, picture: Stream, start: int) -> None:
        base = self._packets.base
        source.seek(max(int(start - _LEAD / base), int(self._packets.pts_N.min())), stream=picture)

    def _leads(self, film: Path) -> bool:
        """Whether seeking to each stretch leads to packets of both streams before it."""
        with video.opened(film) as (source, picture):
            heard = _heard(source, picture)
            try:
                for begin, _, start, _ in self._stretches:
                    self._seek(source, picture, start)
                    first: dict[int, Packet[Any]] = {}
                    chosen = [picture] if heard is None else [picture, heard]
                    for looked, packet in enumerate(keyframes.read(source, *chosen)):
                        if packet.pts is not None:
                            first.setdefault(packet.stream_index, packet)
                        if len(first) == len(chosen) or looked == _LOOKED:
                            break
                    if len(first) < len(chosen):
                        return False
                    if self._places.get(first[picture.index].pts, begin + 1) > begin:
                        return False
                    if heard is not None:
                        of_sound = first[heard.index]
                        assert of_sound.pts is not None  # or it would not be there
                        if of_sound.pts * of_sound.time_base > start * self._packets.base:
                            return False
            except av.error.FFmpegError:
                return False
        return True


def _heard(source: InputContainer, picture: Stream) -> Stream | None:
    """The sound that is heard; of nothing but it and the picture is anything read."""
    heard = sound.track(source)
    for other in source.streams:
        if other not in (picture, heard):
            other.discard = Discard.all
    return heard


def _stretches(packets: Packets, pieces: Sequence[Piece]) -> list[tuple[int, int, int, int]]:
    """Pieces with those near them: begin, stop, start, end, as theirs."""
    found = [(piece.begin, piece.stop, piece.start, piece.end) for piece in pieces[:1]]
    for before, piece in pairwise(pieces):
        if (piece.start - before.end) * packets.base > _FAR + _LEAD:
            found.append((piece.begin, piece.stop, piece.start, piece.end))
        else:
            begin, _, start, _ = found[-1]
            found[-1] = begin, piece.stop, start, piece.end
    return found

"""Values that are made when they are asked for, and kept only as far as there is room."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Generic, TypeVar, overload

T = TypeVar("T")
ROOM = 128_000_000
"""Bytes that the kept values of one collection may take: all of SumMe's or TVSum's people do."""


class OnDemand(Mapping[str, T], ABC):
    """Values by name. The first that were asked for stay until the room is full; what comes after
    is made anew each time. So going through all of them again and again, as an evaluation does,
    still finds those that were kept, where dropping the oldest would find none.
    """

    def __init__(self, names: Iterable[str], room: int = ROOM) -> None:
        self._names = dict.fromkeys(names)
        self._kept: dict[str, T] = {}
        self._left = room

    @abstractmethod
    def make(self, name: str) -> T:
        """One value. The same name gives the same value."""

    @abstractmethod
    def size(self, value: T) -> int:
        """Bytes that a value takes while it is kept."""

    def __getitem__(self, name: str) -> T:
        if name in self._kept:
            return self._kept[name]
        if name not in self._names:
            raise KeyError(name)
        value = self.make(name)
        size = self.size(value)
        if size <= self._left:
            self._left -= size
            self._kept[name] = value
        return value

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


class InTurn(Sequence[T], Generic[T]):
    """The values of a mapping in its order, each asked for when it is its turn."""

    def __init__(self, by_name: Mapping[str, T]) -> None:
        self.by_name = by_name
        self._names = tuple(by_name)

    @overload
    def __getitem__(self, place: int) -> T: ...
    @overload
    def __getitem__(self, place: slice) -> "InTurn[T]": ...
    def __getitem__(self, place: int | slice) -> "T | InTurn[T]":
        if isinstance(place, slice):
            return InTurn({name: self.by_name[name] for name in self._names[place]})
        return self.by_name[self._names[place]]

    def __len__(self) -> int:
        return len(self._names)

"""Values that are made when they are asked for, and kept only where there is room for all."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Generic, TypeVar, overload

_TELLING = 8
"""So many values say how large the others are."""

T = TypeVar("T")
ROOM = 64_000_000
"""Bytes that the kept values of one collection may take: all of SumMe's or TVSum's people do."""


class MadeAnew(Mapping[str, T], ABC):
    """Values by name, each made whenever it is asked for."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = dict.fromkeys(names)

    @abstractmethod
    def make(self, name: str) -> T:
        """One value. The same name gives the same value."""

    def __getitem__(self, name: str) -> T:
        if name not in self._names:
            raise KeyError(name)
        return self.make(name)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


class OnDemand(MadeAnew[T]):
    """Values by name. All stay, or none does: as soon as those that were made foretell that there
    is no room for all, they are let go, and from then on each is made anew. What would stay of a
    large collection is a small part of it, and spares little.
    """

    def __init__(self, names: Iterable[str], room: int = ROOM) -> None:
        super().__init__(names)
        self._kept: dict[str, T] = {}
        self._room, self._used, self._keeps = room, 0, True

    @abstractmethod
    def size(self, value: T) -> int:
        """Bytes that a value takes while it is kept."""

    def __getitem__(self, name: str) -> T:
        if name in self._kept:
            return self._kept[name]
        value = super().__getitem__(name)
        if self._keeps:
            self._kept[name] = value
            self._used += self.size(value)
            if not self._fits():
                self._keeps = False
                self._kept.clear()
        return value

    def _fits(self) -> bool:
        """Whether all have room, if the others are on average as large as those that were made."""
        made = len(self._kept)
        foretold = self._used if made < _TELLING else self._used / made * len(self._names)
        return foretold <= self._room


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

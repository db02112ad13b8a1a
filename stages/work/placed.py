"""Values by name, kept by their places: of many small ones few long arrays hold the numbers."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

T = TypeVar("T")


class Placed(Mapping[str, T], ABC):
    """Values by name in the order of their places, each put together when it is asked for.

    places: by name, 0 and on; several may share them.
    """

    def __init__(self, places: dict[str, int]) -> None:
        self.places = places

    @abstractmethod
    def at(self, place: int) -> T:
        """The value at a place."""

    def __getitem__(self, name: str) -> T:
        return self.at(self.places[name])

    def __contains__(self, name: object) -> bool:
        return name in self.places

    def __iter__(self) -> Iterator[str]:
        return iter(self.places)

    def __len__(self) -> int:
        return len(self.places)


def numbered(names: Iterable[str]) -> dict[str, int]:
    """The place of each name."""
    return {name: place for place, name in enumerate(names)}

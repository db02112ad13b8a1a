"""Many small arrays as parts of a long one.

Each array by itself takes a hundred bytes beside its numbers, and a page of shared memory on its
way to another process.
"""

from array import array
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from stages.work.placed import Placed

Array = npt.NDArray[Any]


class Ragged:
    """Arrays of one dtype, and of one shape but for the first axis; more go to the end."""

    def __init__(self, arrays: Iterable[Array] = ()) -> None:
        self._numbers: Array = np.empty(0)
        self._ends = array("q", [0])
        for each in arrays:
            self.append(each)

    def append(self, each: Array) -> None:
        """Add one more. Raises ValueError where its dtype or its other axes are not the first's."""
        if not len(self):
            self._numbers = np.empty((0, *each.shape[1:]), each.dtype)
        if (each.dtype, each.shape[1:]) != (self._numbers.dtype, self._numbers.shape[1:]):
            raise ValueError(
                f"{each.dtype} of {each.shape[1:]} among {self._numbers.dtype} of "
                f"{self._numbers.shape[1:]}"
            )
        begin = self._ends[-1]
        end = begin + len(each)
        if end > len(self._numbers):
            room = max(end, len(self._numbers) * 3 // 2)
            grown = np.empty((room, *each.shape[1:]), each.dtype)
            grown[:begin] = self._numbers[:begin]
            self._numbers = grown
        self._numbers[begin:end] = each
        self._ends.append(end)

    def __getitem__(self, place: int) -> Array:
        """One of them: a part of the long one."""
        return self._numbers[self._ends[place] : self._ends[place + 1]]

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __iter__(self) -> Iterator[Array]:
        return (self[place] for place in range(len(self)))

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_numbers": self._numbers[: self._ends[-1]]}


class RaggedByName(Placed[Array]):
    """Arrays by name, as `Ragged`, in the order of their adding."""

    def __init__(self, arrays: Iterable[tuple[str, Array]] = ()) -> None:
        super().__init__({})
        self._arrays = Ragged()
        for name, each in arrays:
            self.add(name, each)

    def add(self, name: str, each: Array) -> None:
        """Add one more, of another name than those that are there."""
        self._arrays.append(each)
        self.places[name] = len(self._arrays) - 1

    def at(self, place: int) -> Array:
        return self._arrays[place]

"""What is found of many videos, one after the other in few long arrays: an array for each of a
corpus's small findings would take more memory than its numbers.
"""

from array import array
from collections.abc import Mapping
from typing import Any

import numpy as np

from stages.work.placed import Placed


class Ledger:
    """Findings by kind and video. Whatever is found of one video is found of all."""

    def __init__(self) -> None:
        self._places: dict[str, int] = {}
        self.columns: dict[str, Column] = {}
        """By kind."""

    def add(self, video: str, found: Mapping[str, Any]) -> None:
        """Note what was found of one more video: numbers, or arrays of as many axes and as long as
        the first video's but for the last axis but one.
        """
        self._places[video] = len(self._places)
        for kind, value in found.items():
            if kind not in self.columns:
                self.columns[kind] = Column(self._places, value)
            self.columns[kind].append(value)


class Column(Placed[Any]):
    """One kind of finding by video, in the order of their adding."""

    def __init__(self, places: dict[str, int], like: Any) -> None:
        super().__init__(places)
        self._shape: tuple[int, ...] | None = None
        if isinstance(like, np.ndarray):
            self._shape = (*like.shape[:-2], -1, like.shape[-1])
        self._numbers: array[Any] = array("q" if isinstance(like, int) else "d")
        self._ends = array("Q", [0])

    def append(self, value: Any) -> None:
        """Add the next video's."""
        if self._shape is None:
            self._numbers.append(value)
        else:
            self._numbers.extend(value.ravel().tolist())
            self._ends.append(len(self._numbers))

    def at(self, place: int) -> Any:
        if self._shape is None:
            return self._numbers[place]
        begin, end = self._ends[place], self._ends[place + 1]
        return np.array(self._numbers[begin:end]).reshape(self._shape)

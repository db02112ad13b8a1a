"""Many small arrays as a single one, on their way to another process: each that is sent by itself
costs more than its numbers.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt


class Joined(NamedTuple):
    """Arrays one after the other along their first axis, and how long each is."""

    all: npt.NDArray[Any]
    lengths: npt.NDArray[np.int64]

    def parts(self) -> list[npt.NDArray[Any]]:
        """The arrays, each a part of the long one."""
        return np.split(self.all, self.lengths.cumsum()[:-1]) if len(self.lengths) else []


def joined(arrays: Sequence[npt.NDArray[Any]]) -> Joined:
    """Of one dtype, and of one shape but for the first axis."""
    lengths = np.array([len(array) for array in arrays], dtype=np.int64)
    return Joined(np.concatenate(arrays) if len(arrays) else np.empty(0), lengths)

"""Where numbers stand on a scale, and the marks along it."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Scale:
    """Where a value stands between two ends, in percent."""

    low: float
    high: float

    @classmethod
    def over(cls, values: Iterable[float]) -> "Scale":
        """Ends on tenths that hold all values and 0."""
        known = [0.0, *values]
        return cls(
            float(np.floor(10 * min(known) - 0.1)) / 10, float(np.ceil(10 * max(known) + 0.1)) / 10
        )

    def at(self, value: float) -> float:
        return round(100 * (value - self.low) / (self.high - self.low), 2)

    def width(self, low: float, high: float) -> float:
        return round(self.at(high) - self.at(low), 2)

    def ticks(self, most: int = 6) -> list[float]:
        for step in (1, 2, 5, 10):
            first = -(-round(10 * self.low) // step) * step
            found = list(range(first, round(10 * self.high) + 1, step))
            if len(found) <= most:
                break
        return [tenth / 10 for tenth in found]

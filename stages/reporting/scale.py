"""Numbers as the page prints them, and where they stand on a scale."""

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


def mark(value: float | None) -> str:
    """.182, −.012, 1.000: three decimals without a leading zero, as the field prints them."""
    if value is None or not np.isfinite(value):
        return "–"
    text = f"{abs(value):.3f}"
    text = text[1:] if text.startswith("0") else text
    return f"−{text}" if value < 0 and float(text) else text


def probability(p: float) -> str:
    """.012, or <.001, as the field prints a p-value."""
    return "<.001" if p < 0.001 else mark(p)

"""What a worker of a cluster is given at once: a share of the payloads."""

from collections.abc import Sequence
from dataclasses import dataclass

LOSSES = 4
"""Workers that may be lost over the same share, where it is not known that they died."""


@dataclass(eq=False)
class Portion:
    """Places of payloads that a worker is given together.

    deaths: workers that died at work on them. losses: those too that went out of reach.
    """

    places: tuple[int, ...]
    cost: float
    deaths: int = 0
    losses: int = 0

    @property
    def deadly(self) -> bool:
        """Whether workers are taken to die of it: the second has, or one after another is lost."""
        return self.deaths > 1 or self.losses > LOSSES


def share(count: int, together: int, workers: int) -> int:
    """Payloads of a share: `together`, or up to four times that where each worker has still four
    shares or more of the `count` that there are.
    """
    several = count // (4 * max(1, workers) * together)
    return together * max(1, min(4, several))


def portions(costs: Sequence[float], together: int, workers: int) -> list[Portion]:
    """Payloads in shares of neighbours, the costliest first."""
    size = share(len(costs), together, workers)
    found = []
    for start in range(0, len(costs), size):
        places = tuple(range(start, min(start + size, len(costs))))
        found.append(Portion(places, sum(costs[place] for place in places)))
    return sorted(found, key=lambda portion: -portion.cost)

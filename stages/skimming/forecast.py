"""What summarising films will take and fetch, before any of it is done.

Rates are of two cores of a laptop's kind, measured; another machine is faster or slower by its
cores. Films are not decoded for it: how long they last is what their files say.
"""

from dataclasses import dataclass

LOOKED_AT_PER_SECOND = 9.0
"""Sampled frames of 1080p that are decoded up to, shrunk and looked at in a second."""


@dataclass(frozen=True)
class Forecast:
    """Of films together: seconds they last, frames that are sampled, and seconds of each step by
    its name; None where no rate is known. fetched: models to fetch first, by name, with megabytes
    where they are known.
    """

    film: float
    frames: int
    steps: dict[str, float | None]
    fetched: dict[str, int | None]

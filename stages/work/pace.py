"""How long work will take, said as soon as it can be and now and then."""

import logging
import time
from collections.abc import Callable

log = logging.getLogger("llmvs")

SETTLED = 5.0
"""Seconds after the first result before a rate is believed."""

AGAIN = 600.0
"""Seconds until it is said anew: what is read from a file, as of a job of a cluster, has no bar."""


class Pace:
    """Counts what is done, and says how long the rest will take: after the first results, and every
    ten minutes.

    The rate is that of the work since the last time it was said, or since the first result, so that
    loading a model is no part of it. Work that is over before then says nothing.

    Args:
        total: what is to be done.
        unit: what that counts.
        processes: so many work on it at a time. Their first results come close upon one another,
            however long each took: the rate is of what comes after one of each.
    """

    def __init__(
        self,
        total: int,
        unit: str,
        processes: int = 1,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._left, self._unit, self._processes, self._clock = total, unit, processes, clock
        self._began: float | None = None
        self._results = self._done = 0
        self._wait = SETTLED

    def advance(self, count: int) -> None:
        """A result came, of so many of the unit."""
        self._left -= count
        self._results += 1
        now = self._clock()
        if self._began is None:
            if self._results == self._processes:
                self._began, self._results = now, 0
            return
        self._done += count
        passed = now - self._began
        if self._results < self._processes or passed < self._wait or self._left <= 0:
            return
        rate = self._done / passed
        log.info(
            "%s %s left, about %s at %s/s",
            *(f"{self._left:,}", self._unit, duration(self._left / rate)),
            f"{rate:,.0f}" if rate >= 10 else f"{rate:.2g}",
        )
        self._began, self._results, self._done, self._wait = now, 0, 0, AGAIN


def duration(seconds: float) -> str:
    """A length of time as people say it: "40 seconds", "25 minutes", "3 hours"."""
    for size, name in ((3600, "hour"), (60, "minute")):
        if seconds >= 1.5 * size:
            return f"{round(seconds / size)} {name}s"
    if seconds >= 50:
        return "a minute"
    return f"{round(seconds)} seconds" if seconds >= 1.5 else "a second"

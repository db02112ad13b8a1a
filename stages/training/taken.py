"""What training took, in seconds. It is kept beside a run's results and never in an output, which
would then differ from run to run.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np

from stages.work.items import Arrays

SECONDS = "seconds"
"""The array of a finished run that holds them."""

TRAINING, SCORING = "training a run", "scoring a video"
"""What the record of the train stage calls them (`stages.work.runs.Record.measured`)."""


class Taken(NamedTuple):
    """Seconds of a run's training, what chose its epoch included, and of scoring a tested video."""

    training: float
    scoring: float

    @property
    def array(self) -> Arrays:
        """As it is kept."""
        return {SECONDS: np.array(self)}


def of(arrays: Mapping[str, np.ndarray]) -> Taken | None:
    """What a finished run took; None of one from before it was measured."""
    return Taken(*arrays[SECONDS].tolist()) if SECONDS in arrays else None


def means(taken: Iterable[Taken | None]) -> dict[str, float]:
    """The means over runs, for the record; nothing where one of them was not measured."""
    known, found = [], list(taken)
    for each in found:
        if each is None:
            return {}
        known.append(each)
    if not known:
        return {}
    training, scoring = np.mean(known, axis=0).tolist()
    return {TRAINING: training, SCORING: scoring}

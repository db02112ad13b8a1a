"""A batch of queries as a run holds those that wait: a number of a tuple takes as much memory as
nine of an array, and of a corpus all wait at once.
"""

from array import array
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any

Ids = tuple[int, ...]

_SHORT = 1 << 16


class Queries(Sequence[Ids]):
    """Token ids of a batch's queries, one after the other. Sent to another process they are a tuple
    of tuples.
    """

    def __init__(self, queries: Sequence[Ids]) -> None:
        ids = [token for query in queries for token in query]
        self._ids = array("H" if max(ids, default=0) < _SHORT else "I", ids)
        self._ends = array("I", accumulate(map(len, queries)))

    def __len__(self) -> int:
        return len(self._ends)

    def __iter__(self) -> Iterator[Ids]:
        begin = 0
        for end in self._ends:
            yield tuple(self._ids[begin:end])
            begin = end

    def __getitem__(self, place: Any) -> Any:
        return tuple(self)[place]

    def __reduce__(self) -> tuple[type, tuple[tuple[Ids, ...]]]:
        return tuple, (tuple(self),)

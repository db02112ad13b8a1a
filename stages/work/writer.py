"""Results on their way to disk while the next ones are computed."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Generic, TypeVar

from stages.work.items import Arrays

P = TypeVar("P")

RESULTS = 256
"""So many may be on their way: some batches of captions, and what a killed process can lose."""
BYTES = 64 * 2**20
"""And so much of them, or a single one: checkpoints are large."""


class Writer(Generic[P]):
    """Writes results in a thread of its own, one after another, in the order they are handed over.

    At the end of its `with` block all of them are written, where the block raises as well: what is
    finished is kept.

    Args:
        write: called in the thread with what each result belongs to, and its arrays.
    """

    def __init__(self, write: Callable[[P, Arrays], object]) -> None:
        self._write = write
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="writer")
        self._coming: deque[tuple[Future[object], int]] = deque()
        self._bytes = 0

    def __enter__(self) -> "Writer[P]":
        return self

    def put(self, what: P, arrays: Arrays) -> None:
        """Hand a result over, once there is room; nobody may change its arrays any more.

        Raises what `write` raised of an earlier one.
        """
        size = sum(array.nbytes for array in arrays.values())
        while self._coming and (
            self._coming[0][0].done() or len(self._coming) >= RESULTS or self._bytes + size > BYTES
        ):
            self._settle()
        self._coming.append((self._thread.submit(self._write, what, arrays), size))
        self._bytes += size

    def _settle(self) -> None:
        first, size = self._coming.popleft()
        self._bytes -= size
        first.result()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._thread.shutdown()
        while error is None and self._coming:
            self._settle()

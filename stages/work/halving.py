"""Batches that shrink where a GPU's memory runs out."""

import logging
from collections.abc import Callable, Sequence, Sized
from typing import Any, Generic, NamedTuple, TypeVar

import torch

from stages.errors import UserError

log = logging.getLogger("llmvs")

B = TypeVar("B", bound=Sized)
R = TypeVar("R")


class Said(NamedTuple):
    """What a person is told. model: by the name they gave it. noun: of what is in a batch, one and
    several. less: what takes less memory. spare: how to spare an attempt.
    """

    model: str
    noun: tuple[str, str]
    less: str
    spare: str


class Halving(Generic[B, R]):
    """Results by batches that are halved where the memory runs out, and stay so.

    batch: how many at once, as things stand.

    Args:
        said: for messages.
        batch: how many at once, to begin with.
        work: the result of a batch.
        divide: batches laid out anew, none larger than `batch` now is; None: they are sequences,
            and are cut.
    """

    def __init__(
        self,
        said: Said,
        batch: int,
        work: Callable[[B], R],
        divide: Callable[[Sequence[B]], Sequence[B]] | None = None,
    ) -> None:
        self.batch = batch
        self._said = said
        self._work = work
        self._divide = divide or self._cut

    def __call__(self, batches: Sequence[B], /) -> list[R]:
        """The batches' results in order, of as many parts as were needed.

        Raises UserError where a batch of one is already too much for the memory.
        """
        results: list[R] = []
        waiting = list(batches)
        refused = 0
        while waiting:
            attempted = len(waiting[0])
            if attempted > self.batch:
                waiting = list(self._divide(waiting))
                continue
            try:
                results.append(self._work(waiting[0]))
            except torch.OutOfMemoryError as error:
                if attempted == 1:
                    raise UserError(
                        f"{self._said.model}: out of memory with a single {self._said.noun[0]}; "
                        f"free the GPU of others, or name a smaller {self._said.less}"
                    ) from error
                refused = refused or attempted
                self.batch = attempted // 2
            else:
                if refused:
                    log.warning(
                        "out of memory with %d %s at once: going on with %d; %s",
                        *(refused, self._said.noun[1], self.batch, self._said.spare),
                    )
                refused = 0
                del waiting[0]
                continue
            # Only here, past the handler, has the exception let go of what the attempt held.
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
        return results

    def _cut(self, batches: Sequence[Any]) -> list[B]:
        size = self.batch
        return [each[at : at + size] for each in batches for at in range(0, len(each), size)]

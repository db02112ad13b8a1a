"""Batches that shrink where a GPU's memory runs out, for captioners of transformers."""

import logging
from collections.abc import Callable, Sequence, Sized
from typing import Generic, TypeVar

import torch

from stages.errors import UserError

log = logging.getLogger("llmvs")

B = TypeVar("B", bound=Sized)


class Halving(Generic[B]):
    """Captions by batches that are halved where the memory runs out, and stay so.

    batch: images at once, as things stand.

    Args:
        model: what the person called it, for messages.
        batch: images at once, to begin with.
        generate: one caption for each image of a batch.
        divide: batches laid out anew, none larger than `batch` now is.
    """

    def __init__(
        self,
        model: str,
        batch: int,
        generate: Callable[[B], list[str]],
        divide: Callable[[Sequence[B]], Sequence[B]],
    ) -> None:
        self.batch = batch
        self._model = model
        self._generate = generate
        self._divide = divide

    def __call__(self, batches: Sequence[B], /) -> list[str]:
        """Raises UserError where a single image is already too much for the memory."""
        captions: list[str] = []
        waiting = list(batches)
        refused = 0
        while waiting:
            attempted = len(waiting[0])
            if attempted > self.batch:
                waiting = list(self._divide(waiting))
                continue
            try:
                captions += self._generate(waiting[0])
            except torch.OutOfMemoryError as error:
                if attempted == 1:
                    raise UserError(
                        f"{self._model}: out of memory with a single image; free the GPU of "
                        "others, or name a smaller model, dtype or max_new_tokens"
                    ) from error
                refused = refused or attempted
                self.batch = attempted // 2
            else:
                if refused:
                    log.warning(
                        "out of memory with %d images at once: going on with %d; set "
                        "caption.batch to that to spare the attempt",
                        *(refused, self.batch),
                    )
                refused = 0
                del waiting[0]
                continue
            # Only here, past the handler, has the exception let go of what the attempt held.
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
        return captions

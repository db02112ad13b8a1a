"""Batches that shrink where a GPU's memory runs out, for captioners of transformers."""

import logging
from collections.abc import Callable

import torch
from torch import Tensor

from stages.errors import UserError

log = logging.getLogger("llmvs")


class Halving:
    """Captions by batches that are halved where the memory runs out, and stay so.

    Args:
        model: what the person called it, for messages.
        batch: images at once, to begin with.
        generate: one caption for each of the images (images, 3, H, W).
    """

    def __init__(self, model: str, batch: int, generate: Callable[[Tensor], list[str]]) -> None:
        self._model = model
        self._batch = batch
        self._generate = generate

    def __call__(self, images: Tensor, /) -> list[str]:
        """Raises UserError where a single image is already too much for the memory."""
        captions: list[str] = []
        refused = 0
        while len(captions) < len(images):
            batch = images[len(captions) : len(captions) + self._batch]
            try:
                captions += self._generate(batch)
            except torch.OutOfMemoryError as error:
                if len(batch) == 1:
                    raise UserError(
                        f"{self._model}: out of memory with a single image; free the GPU of "
                        "others, or name a smaller model, dtype or max_new_tokens"
                    ) from error
                refused = refused or len(batch)
                self._batch = len(batch) // 2
            else:
                if refused:
                    log.warning(
                        "out of memory with %d images at once: going on with %d; set "
                        "caption.batch to that to spare the attempt",
                        *(refused, self._batch),
                    )
                refused = 0
                continue
            # Only here, past the handler, has the exception let go of what the attempt held.
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
        return captions

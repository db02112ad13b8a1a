"""A batch that is halved until the GPU's memory holds it."""

import logging
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import torch

from stages.errors import UserError

log = logging.getLogger("llmvs")

Floats = npt.NDArray[np.float32]
X = TypeVar("X")


def halved(
    batch: Sequence[X], encode: Callable[[Sequence[X]], Floats], noun: str, alone: str
) -> Floats:
    """One vector (B, D) for each of a batch.

    Args:
        batch: what is encoded.
        encode: some of it.
        noun: what it is, for the log.
        alone: what is wrong where one by itself is too much, and the remedy.

    Raises:
        UserError: one by itself is too much for the memory.
    """
    try:
        return encode(batch)
    except torch.OutOfMemoryError as error:
        if len(batch) == 1:
            raise UserError(alone) from error
    # Only here, past the handler, has the exception let go of what the attempt held.
    torch.cuda.empty_cache()
    log.warning("out of memory with %d %s at once: halved", len(batch), noun)
    half = len(batch) // 2
    parts = (halved(part, encode, noun, alone) for part in (batch[:half], batch[half:]))
    return np.concatenate(list(parts))

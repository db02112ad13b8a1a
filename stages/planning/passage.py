"""Bytes that pass between the driver and the workers of a Ray cluster, by formula."""

from collections.abc import Sequence
from dataclasses import dataclass

from stages.work.crew import HELD

INLINE = 100 * 1024
"""Larger ones go through the object store, others within Ray's own messages: what Ray calls
max_direct_call_object_size, and seen of Ray 2.60 (101,376 bytes within, 103,424 through it)."""
OBJECT, ARRAY = 170, 76
"""Of an object as Ray 2.60 writes it and of an array in it, beside the numbers, about."""
TOKEN, PROMPT, FRAME = 3, 4, 3
"""Of a token's number from 256 to 65,535 as pickle writes it; of a prompt beside its tokens, and
of a frame beside its JPEG."""


@dataclass(frozen=True)
class Passage:
    """How the items of a stage pass.

    shares: what workers are given at once, each of `size` items. sent, back: bytes of a share on
    its way to a worker and of what comes back.
    """

    shares: float
    size: int
    sent: float
    back: float

    @property
    def stored(self) -> float:
        """Bytes of all shares that go through the object store."""
        return self.shares * sum(one for one in (self.sent, self.back) if one > INLINE)

    @property
    def in_flight(self) -> float:
        """Bytes of a worker's shares at a time: those it holds, and what comes back of one."""
        return HELD * self.sent + self.back


def frames(count: float, jpeg: float) -> float:
    """A share of frames, by value."""
    return count * (jpeg + FRAME) + 16


def prompts(batches: float, rows: float, tokens: float) -> float:
    """A share of batches of prompts, as token ids."""
    return batches * rows * (TOKEN * tokens + PROMPT) + 55


def answers(count: float, arrays: Sequence[float]) -> float:
    """What comes back of so many items, each of arrays of so many bytes."""
    return OBJECT + count * sum(size + ARRAY for size in arrays)

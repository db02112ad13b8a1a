"""How fast this machine's processor multiplies matrices."""

import time
from functools import cache

import torch

ROWS, WIDTH = 256, 2048
"""Of the product that is timed: a batch of tokens before a linear map of a large model."""
SECONDS = 0.5
"""After which no further product is begun."""


@cache
def rate(dtype: str) -> float:
    """Operations a second of torch's own products in a number format, the best of up to five.

    A product and its sum are two. What else is at work on the machine makes it slower; the first
    product, in which libraries are set up, is left out.

    Args:
        dtype: a name of torch's, such as `float32`.
    """
    a, b = (torch.ones(size, WIDTH).to(getattr(torch, dtype)) for size in (ROWS, WIDTH))
    torch.nn.functional.linear(a, b)
    best, began = float("inf"), time.perf_counter()
    for _ in range(5):
        before = time.perf_counter()
        torch.nn.functional.linear(a, b)
        now = time.perf_counter()
        best = min(best, now - before)
        if now - began > SECONDS:
            break
    return 2 * ROWS * WIDTH**2 / best

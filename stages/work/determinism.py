"""Training that can be repeated to the bit on the same machine."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch


@contextmanager
def reproducible(seed: int, *, warn_only: bool = False) -> Iterator[None]:
    """Inside, everything random follows from the seed; the caller's generators stay untouched.

    warn_only: where an operation of a GPU has no way of always giving the same bits, say so and go
    on.
    """
    # cuBLAS reads it when it is first used; without it its sums vary from run to run.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    before = torch.are_deterministic_algorithms_enabled()
    warned = torch.is_deterministic_algorithms_warn_only_enabled()
    memory: Any = torch.utils.deterministic
    filled = memory.fill_uninitialized_memory
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        torch.use_deterministic_algorithms(True, warn_only=warn_only)
        # It would write over all new memory once more, for code that reads what nobody wrote.
        memory.fill_uninitialized_memory = False
        try:
            yield
        finally:
            torch.use_deterministic_algorithms(before, warn_only=warned)
            memory.fill_uninitialized_memory = filled

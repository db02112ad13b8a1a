"""Where this machine keeps what it has fetched or been sent, and one process at a time there."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stages.errors import UserError
from stages.work.locks import lock


def cache() -> Path:
    """`$LLMVS_CACHE`, or `~/.cache/llmvs`."""
    return Path(os.environ.get("LLMVS_CACHE") or Path.home() / ".cache" / "llmvs")


def library() -> Path:
    """The work store of films of one's own, kept between runs."""
    return cache() / "films"


@contextmanager
def alone(what: str) -> Iterator[None]:
    """One process of this machine at a time in the block, for the same thing; others wait.

    The lock goes with the process that holds it, however it ends. A file system that knows no locks
    lets everyone in.

    Raises:
        UserError: the cache cannot be written.
    """
    place = cache() / "locks" / f"{hashlib.sha256(os.fsencode(what)).hexdigest()[:24]}.lock"
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        file = place.open("a+")
    except OSError as error:
        raise UserError(
            f"{place} cannot be written ({error.strerror}); name another folder in LLMVS_CACHE"
        ) from error
    with file:
        lock(file, wait=True)
        yield

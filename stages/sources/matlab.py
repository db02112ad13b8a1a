"""MATLAB's .mat files before version 7.3, which are HDF5."""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import scipy.io
from scipy.io.matlab import MatReadError

from stages.errors import UserError

_UNREADABLE = (
    *(OSError, EOFError, zlib.error, MatReadError, NotImplementedError),
    *(KeyError, ValueError, TypeError),
)


@contextmanager
def reading(path: Path, expected: str) -> Iterator[dict[str, Any]]:
    """A file's variables by name.

    Raises UserError where it is damaged, no such file, or not as the block reads it; expected: what
    it should be, for the message.
    """
    try:
        yield scipy.io.loadmat(path)
    except _UNREADABLE as error:
        wrong = f"lacks {error}" if isinstance(error, KeyError) else error
        raise UserError(f"{path} is not {expected}: {wrong}") from error

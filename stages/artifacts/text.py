"""Text files read with complaints that name the file and how to get it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from stages.errors import UserError


@contextmanager
def reading(path: Path, remedy: str) -> Iterator[TextIO]:
    """A text file while the block lasts, its lines' ends as they are.

    Raises UserError where it is missing or no UTF-8.

    remedy: how to get it.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            yield file
    except FileNotFoundError as error:
        raise UserError(f"{path} not found; {remedy}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8 text: {error}; {remedy}") from error


def read(path: Path, remedy: str) -> str:
    """A file's text. Arguments and errors as `reading`."""
    with reading(path, remedy) as file:
        return file.read()

"""Text files read with complaints that name the file and how to get it."""

from pathlib import Path

from stages.errors import UserError


def read(path: Path, remedy: str) -> str:
    """A file's text. Raises UserError where it is missing or no UTF-8.

    remedy: how to get it.
    """
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise UserError(f"{path} not found; {remedy}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8 text: {error}; {remedy}") from error

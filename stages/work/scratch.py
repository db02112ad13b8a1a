"""Folders for the time of a task, which a killed process does not leave behind for good."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from stages.work.locks import lock

_HELD = "held"


@contextmanager
def scratch(root: Path, name: str) -> Iterator[Path]:
    """An empty folder `.NAME.….scratch` in `root`, removed at the end.

    Its owner holds a file beside what is put there locked. Folders of this name whose owners were
    killed are removed first.
    """
    root.mkdir(parents=True, exist_ok=True)
    for left in root.glob(f".{name}.*.scratch"):
        _sweep(left)
    with (
        tempfile.TemporaryDirectory(dir=root, prefix=f".{name}.", suffix=".scratch") as made,
        (Path(made) / _HELD).open("wb") as held,
    ):
        lock(held)
        work = Path(made) / "files"
        work.mkdir()
        yield work


def _sweep(folder: Path) -> None:
    """Remove a folder whose owner lives no more; one without `files` is being made."""
    with suppress(OSError), (folder / _HELD).open("r+b") as held:
        if (folder / "files").is_dir() and lock(held):
            shutil.rmtree(folder)

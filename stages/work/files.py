"""Files that appear whole or not at all, and disks that are full.

A file is written under a hidden temporary name beside its own, `.NAME.….llmvs.part`, which its
writer holds locked. A writer that was killed leaves that behind without a lock: then it is
nobody's, and the next process that writes into the folder, or `llmvs gc`, removes it.
"""

import errno
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from stages.work.locks import lock, taken

PART = ".llmvs.part"
"""Of ours alone: what is swept may lie in a folder of anybody's, beside a film for one."""

_FULL = (errno.ENOSPC, errno.EDQUOT)


def _mode() -> int:
    """Of a new file, as this process's umask wants it, which can be read only by setting it."""
    umask = os.umask(0o077)
    os.umask(umask)
    return 0o666 & ~umask


_MODE = _mode()
_swept: set[Path] = set()
"""Folders that this process has looked through. Looking takes as long as there are files in it:
before each write it would be most of what a folder of many files costs.
"""


class DiskFullError(OSError):
    """A write that found no room: `filename` is what was to be written.

    needed, free: bytes the file was to have and bytes there were; None where they are not known.
    """

    def __init__(self, path: Path | str, needed: int | None = None, free: int | None = None):
        super().__init__(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        self.needed, self.free = needed, free

    def __reduce__(self) -> tuple[Any, ...]:
        """For another process: OSError's own would put its arguments in place of ours."""
        return type(self), (self.filename, self.needed, self.free)


@contextmanager
def explained(path: Path, needed: int | None = None) -> Iterator[None]:
    """Raises DiskFullError, naming what was to be written, where the block finds a disk full; any
    other OSError of a write names it too.

    Args:
        path: what the block writes.
        needed: bytes it will have, where that is known.
    """
    try:
        yield
    except DiskFullError:
        raise
    except Exception as error:
        if not is_full(error):
            # One of a library's own, without a number, would lose its words by a name.
            if isinstance(error, OSError) and error.errno and _temporary_of(path, error.filename):
                error.filename, error.filename2 = str(path), None
            raise
        free = None
        with suppress(OSError):
            free = shutil.disk_usage(path.parent).free
        raise DiskFullError(path, needed, free) from error


def _temporary_of(path: Path, named: str | bytes | None) -> bool:
    """Whether an error names the temporary file of a path, or nothing, as that of a write does."""
    name = "" if named is None else Path(os.fsdecode(named)).name
    return not name or (name.startswith(f".{path.name}.") and name.endswith(PART))


def is_full(error: BaseException) -> bool:
    """Whether an error is that of a full disk or a spent quota."""
    if isinstance(error, OSError):
        return error.errno in _FULL
    # Libraries written in Rust, safetensors among them, raise errors of their own.
    return any(f"(os error {number})" in str(error) for number in _FULL)


def standing(path: Path) -> Path:
    """The path where it is there, else the nearest folder above it that is."""
    while not path.exists():
        path = path.parent
    return path


def make_room(path: Path, needed: int) -> None:
    """Raises DiskFullError where a file of `needed` bytes cannot be written at `path`."""
    free = shutil.disk_usage(standing(path.parent)).free
    if free < needed:
        raise DiskFullError(path, needed, free)


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _temporary(path: Path) -> tuple[int, Path]:
    """A new temporary file for `path`, locked, and open for as long as it is to be."""
    while True:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=PART)
        with suppress(BlockingIOError):  # a sweep holds it
            if taken(descriptor):
                return descriptor, Path(name)
        os.close(descriptor)


@contextmanager
def replacing(path: Path, needed: int | None = None) -> Iterator[Path]:
    """A temporary path beside `path`, renamed onto it when the block ends well.

    The data are on disk before the name is, so a crash leaves either the old file or the new
    one. When the block raises, the temporary file is removed and the old one stays. What killed
    writers left in the folder is removed before this process first writes into it.

    Args:
        path: the file to write.
        needed: bytes it will have, where that is known before.

    Raises:
        DiskFullError: there is no room for it.
    """
    with explained(path, needed):
        path.parent.mkdir(parents=True, exist_ok=True)
        folder = path.parent.absolute()
        if folder not in _swept:
            _swept.add(folder)
            sweep(folder.glob(f".*{PART}"))
        if needed is not None:
            make_room(path, needed)
        descriptor, temporary = _temporary(path)
        try:
            temporary.chmod(_MODE)
            yield temporary
            _fsync(temporary)
            temporary.replace(path)
        except BaseException:
            with suppress(FileNotFoundError):
                temporary.unlink()
            raise
        finally:
            os.close(descriptor)
        _fsync(path.parent)


class _TriedError(Exception):
    """Nothing is to be written after all."""


def tried(path: Path) -> None:
    """Make sure that a file can be written at `path`, where it is to be written hours from now.

    Raises OSError, naming it, where it cannot.
    """
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    try:
        with suppress(_TriedError), replacing(path):
            raise _TriedError
    except OSError as error:
        error.filename = str(path)
        raise


def left_behind(folder: Path) -> Iterator[Path]:
    """Temporary files of `replacing` in a folder and below, whoever wrote them."""
    yield from folder.rglob(f".*{PART}")


def sweep(parts: Iterable[Path], dry_run: bool = False) -> int:
    """Remove those temporary files whose writers are no more; bytes they held."""
    freed = 0
    for part in parts:
        with suppress(OSError), part.open("r+b") as file:
            if lock(file):  # which raises while the writer lives
                freed += part.stat().st_size
                if not dry_run:
                    part.unlink()
    return freed

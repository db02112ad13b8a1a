"""A small file system, and a file that fills it."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stages.errors import UserError

SIZE = 64 << 20
"""Bytes of the file system that is mounted: many times what a project takes."""
LARGEST = 1 << 30
"""Bytes free above which a file system is not filled: that would take long, and disturb others."""


class UnavailableError(UserError):
    """There is no small file system here, and none can be mounted."""


@contextmanager
def small(folder: Path) -> Iterator[Path]:
    """A folder on a small file system while the block lasts.

    It is mounted in `folder` where this process may; otherwise `folder` must be on one.

    Raises:
        UnavailableError: neither.
    """
    place = folder / "volume"
    place.mkdir()
    mounted = _mount(place)
    if not mounted and free(folder) > LARGEST:
        raise UnavailableError(
            f"a small file system can be mounted by root on Linux alone, and {folder} has "
            f"{free(folder) / 1e9:.0f} GB free: name with --folder one on a file system with less "
            f"than {LARGEST / 1e9:.0f} GB free"
        )
    try:
        yield place
    finally:
        if mounted:  # lazily: whatever still holds a file there does not hold the mount
            subprocess.run(["umount", "--lazy", str(place)], check=True)


def _mount(place: Path) -> bool:
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=700", "tmpfs", str(place)]
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def free(place: Path) -> int:
    """Bytes that this process may still write there."""
    found = os.statvfs(place)
    blocks = found.f_bfree if os.geteuid() == 0 else found.f_bavail
    return blocks * found.f_frsize


def fill(filler: Path, leave: int) -> None:
    """Take what is free on a file's file system, but for so many bytes."""
    size = free(filler.parent) - leave
    with filler.open("wb") as file:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, size)
            return
        block = bytes(1 << 20)
        for start in range(0, size, len(block)):
            file.write(block[: size - start])

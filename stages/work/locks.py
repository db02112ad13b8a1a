"""Locks on files, which go with the process that holds them."""

import errno
import fcntl
import os
from typing import IO

_NO_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS)


def lock(file: IO[str] | IO[bytes] | int, shared: bool = False, wait: bool = False) -> bool:
    """Lock an open file until it is closed or this process ends.

    Args:
        shared: with all others that say so too.
        wait: until it can be had.

    Returns:
        Whether it is locked; False where the file system knows no locks.

    Raises:
        BlockingIOError: another holds it.
    """
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    try:
        fcntl.flock(file, kind if wait else kind | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _NO_LOCKS:
            return False
        raise
    return True


def taken(file: IO[str] | IO[bytes] | int) -> bool:
    """Lock an open file as `lock` does, so that it can be relied on.

    Returns:
        Whether it still has a name; False where another removed it before it was locked.

    Raises:
        BlockingIOError: another holds it.
    """
    lock(file)
    return os.fstat(file if isinstance(file, int) else file.fileno()).st_nlink > 0

"""Locks on files, which go with the process that holds them."""

import errno
import fcntl
from typing import IO

_NO_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS)


def lock(file: IO[str] | IO[bytes] | int) -> bool:
    """Lock an open file until it is closed or this process ends.

    Returns:
        Whether it is locked; False where the file system knows no locks.

    Raises:
        BlockingIOError: another holds it.
    """
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _NO_LOCKS:
            return False
        raise
    return True

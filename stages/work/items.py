"""An item of the work store as bytes: named arrays, and a checksum over them.

The bytes of an .npz archive, which numpy reads as it is, and behind it ``llmvs sha256 `` and the
checksum of the item's key and the archive in hexadecimal. A zip's own checksums are of each
member's content alone: a bit of its directory can change what is read without an error. Items
written before there were checksums are held against what numpy would write for the arrays found in
them.
"""

import hashlib
import io
from collections.abc import Mapping
from typing import Any

import numpy as np

Arrays = dict[str, np.ndarray[Any, Any]]

_MARK = b"llmvs sha256 "
_TAIL = len(_MARK) + 64


class DamagedError(Exception):
    """Bytes that are no item, or no longer the one they were."""


def packed(key: str, arrays: Mapping[str, np.ndarray[Any, Any]]) -> tuple[memoryview, bytes]:
    """Arrays as an item's bytes, in two parts; the same key and arrays give the same bytes."""
    archive = _archive(arrays)
    return archive, _MARK + _checksum(key, archive)


def check(key: str, content: bytes) -> None:
    """Raises DamagedError where an item's bytes are not what was written under the key."""
    _checked(key, content)


def unpacked(key: str, content: bytes) -> Arrays:
    """The arrays of an item. Raises DamagedError as `check`."""
    return _arrays(_checked(key, content))


def _checksum(key: str, archive: memoryview) -> bytes:
    digest = hashlib.sha256(key.encode())
    digest.update(archive)
    return digest.hexdigest().encode()


def _checked(key: str, content: bytes) -> memoryview:
    """The archive within an item's bytes."""
    archive, tail = memoryview(content)[:-_TAIL], content[-_TAIL:]
    if not tail.startswith(_MARK):
        archive = memoryview(content)
        if _archive(_arrays(archive)) != archive:
            raise DamagedError("not as it was written")
    elif tail[len(_MARK) :] != _checksum(key, archive):
        raise DamagedError("its checksum differs")
    return archive


def _archive(arrays: Mapping[str, np.ndarray[Any, Any]]) -> memoryview:
    stream = io.BytesIO()
    # typeshed takes **arrays for the keyword allow_pickle
    np.savez(stream, **arrays)  # type: ignore[arg-type]
    return stream.getbuffer()


def _arrays(archive: memoryview) -> Arrays:
    try:
        with np.load(io.BytesIO(archive), allow_pickle=False) as found:
            return {name: found[name] for name in found.files}
    except Exception as error:  # zipfile, zlib, numpy and tokenize each have their own
        raise DamagedError(str(error)) from error

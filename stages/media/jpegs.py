"""JPEG files as arrays of an item of the work store.

Shapes: T files.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from stages.work.items import Arrays


def packed(jpegs: Sequence[bytes]) -> Arrays:
    """JPEG files as arrays of an item: `jpeg`, their bytes end to end, `lengths` of those (T,)."""
    return {
        "jpeg": np.frombuffer(b"".join(jpegs), dtype=np.uint8),
        "lengths": np.array([len(jpeg) for jpeg in jpegs], dtype=np.int64),
    }


def unpacked(arrays: Arrays) -> Iterator[bytes]:
    """The files that were `packed`, in order."""
    ends_T = np.cumsum(arrays["lengths"])[:-1]
    return (jpeg.tobytes() for jpeg in np.split(arrays["jpeg"], ends_T))

"""Small pictures of a video's frames, light enough to live inside the page.

Shapes: T sampled frames.
"""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from stages.errors import UserError

WIDTH = 144
QUALITY = 60
ON_A_PAGE = 1600
"""Thumbnails that keep a page of photographs near four megabytes."""
LEAST = 16


def allowance(videos: int) -> int:
    """How many thumbnails each of so many videos may have."""
    return max(LEAST, ON_A_PAGE // max(videos, 1))


@dataclass(frozen=True, eq=False)
class Thumbnails:
    """WebP pictures of some sampled frames: images[i] shows frame frames_K[i] of T."""

    frames_K: npt.NDArray[np.int64]
    images: tuple[bytes, ...]
    size: tuple[int, int]  # width, height in pixels

    @classmethod
    def of(cls, jpegs: Sequence[Any], most: int, origin: str) -> "Thumbnails":
        """Every frame's thumbnail, or `most` of them evenly spaced.

        jpegs (T,) holds encoded frames and is read one at a time, so it may be an HDF5 dataset.
        Raises UserError naming `origin` where a frame is not a picture.
        """
        frames_K = evenly(len(jpegs), most)
        images, size = [], (WIDTH, WIDTH)
        for frame in frames_K.tolist():
            try:
                encoded, size = _shrunk(bytes(np.asarray(jpegs[frame], dtype=np.uint8)))
            except (UnidentifiedImageError, OSError) as error:
                raise UserError(
                    f"{origin}: frame {frame} is not a readable picture ({error}); "
                    "run the sample stage again (`dvc repro`)"
                ) from error
            images.append(encoded)
        return cls(frames_K, tuple(images), size)

    def shown_T(self, count: int) -> npt.NDArray[np.int64]:
        """For each of `count` sampled frames, the index of the thumbnail nearest before it."""
        return np.searchsorted(self.frames_K, np.arange(count), side="right") - 1


def evenly(count: int, most: int) -> npt.NDArray[np.int64]:
    """At most `most` of the indices below `count`, the first among them, evenly spaced."""
    if count <= most:
        return np.arange(count)
    return (np.arange(most) * count) // most


def data_uri(image: bytes, kind: str = "webp") -> str:
    return f"data:image/{kind};base64,{base64.b64encode(image).decode('ascii')}"


def _shrunk(jpeg: bytes) -> tuple[bytes, tuple[int, int]]:
    with Image.open(io.BytesIO(jpeg)) as opened:
        # The decoder itself halves what is far larger than wanted, at a fraction of the cost.
        opened.draft("RGB", (2 * WIDTH, 2 * WIDTH))
        height = max(1, round(WIDTH * opened.height / opened.width))
        small = opened.convert("RGB").resize((WIDTH, height), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    small.save(buffer, "WEBP", quality=QUALITY, method=4)
    return buffer.getvalue(), small.size

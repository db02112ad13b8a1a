"""Small pictures of a video's frames, light enough to live inside the page.

Shapes: T sampled frames.
"""

import base64
import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from stages.errors import UserError, anew
from stages.work.allowance import cores

WIDTH = 144
QUALITY = 60
ON_A_PAGE = 360
"""Thumbnails of a video: photographs then keep its page near a megabyte."""


@dataclass(frozen=True, eq=False)
class Thumbnails:
    """WebP pictures of some sampled frames: images[i] shows frame frames_K[i] of T."""

    frames_K: npt.NDArray[np.int64]
    images: tuple[bytes, ...]
    size: tuple[int, int]  # width, height in pixels

    @classmethod
    def of(cls, count: int, jpeg: Callable[[int], bytes], most: int, origin: str) -> "Thumbnails":
        """Every frame's thumbnail, or `most` of them evenly spaced.

        jpeg gives sampled frame i of `count`, encoded; only those shown are asked for. Raises
        UserError naming `origin` where a frame is not a picture.
        """
        frames_K = evenly(count, most)
        # Reading is for one thread; pictures are shrunk on all cores, as Pillow lets go of
        # the interpreter meanwhile.
        with ThreadPoolExecutor(cores()) as pool:
            shrinking = [(frame, pool.submit(_shrunk, jpeg(frame))) for frame in frames_K.tolist()]
            images, size = [], (WIDTH, WIDTH)
            for frame, future in shrinking:
                try:
                    encoded, size = future.result()
                except (UnidentifiedImageError, OSError) as error:
                    raise UserError(
                        f"{origin}: frame {frame} is not a readable picture ({error}); "
                        f"{anew('sample')}"
                    ) from error
                images.append(encoded)
        return cls(frames_K, tuple(images), size)

    def nearest(self, count: int) -> npt.NDArray[np.int64]:
        """For each of `count` sampled frames, the thumbnail that stands for it: the one at it or
        last before it. (T,)
        """
        index_T: npt.NDArray[np.int64] = (
            np.searchsorted(self.frames_K, np.arange(count), "right") - 1
        )
        return index_T


def evenly(count: int, most: int) -> npt.NDArray[np.int64]:
    """At most `most` of the indices below `count`, the first among them, evenly spaced."""
    if count <= most:
        return np.arange(count)
    return (np.arange(most) * count) // most


class Pictures:
    """Thumbnails shared by a whole page: each distinct picture once, as a CSS class."""

    def __init__(self) -> None:
        self._names: dict[bytes, str] = {}

    def name(self, image: bytes) -> str:
        return self._names.setdefault(image, f"t{len(self._names)}")

    def css(self) -> str:
        return "\n".join(
            f".{name}{{background-image:url({_data_uri(image)})}}"
            for image, name in self._names.items()
        )


def _data_uri(image: bytes) -> str:
    return f"data:image/webp;base64,{base64.b64encode(image).decode('ascii')}"


def _shrunk(jpeg: bytes) -> tuple[bytes, tuple[int, int]]:
    with Image.open(io.BytesIO(jpeg)) as opened:
        # The decoder itself halves what is far larger than wanted, at a fraction of the cost.
        opened.draft("RGB", (2 * WIDTH, 2 * WIDTH))
        height = max(1, round(WIDTH * opened.height / opened.width))
        small = opened.convert("RGB").resize((WIDTH, height), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    small.save(buffer, "WEBP", quality=QUALITY, method=4)
    return buffer.getvalue(), small.size

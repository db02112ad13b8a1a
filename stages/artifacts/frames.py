"""The sampled frames of a dataset in one HDF5 file: written video by video, read lazily.

Shapes: T sampled frames, H, W pixels.
"""

import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
from PIL import Image

from stages.artifacts.names import natural
from stages.errors import UserError
from stages.work.files import replacing

Integers = npt.NDArray[np.int64]
Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Sampled:
    """One video's frames before they are written."""

    name: str
    picks_T: Integers
    jpegs: tuple[bytes, ...]


def write(path: Path, videos: Iterable[Sampled]) -> None:
    """Write videos as they come, one in memory at a time; the file appears whole or not at all."""
    with replacing(path) as temporary, h5py.File(temporary, "w") as file:
        for video in videos:
            group = file.create_group(video.name)
            stored_T = group.create_dataset(
                "jpeg", shape=(len(video.jpegs),), dtype=h5py.vlen_dtype(np.uint8)
            )
            for index, jpeg in enumerate(video.jpegs):
                stored_T[index] = np.frombuffer(jpeg, dtype=np.uint8)
            group["picks"] = video.picks_T


class VideoFrames:
    """One video of an open file. Arrays and frames are read when asked for, not before."""

    def __init__(self, group: Any) -> None:
        self._group = group
        self.name = str(group.name).strip("/")

    def __len__(self) -> int:
        """Sampled frames, T."""
        return int(self._group["picks"].shape[0])

    def picks(self) -> Integers:
        """The video frame (T,) of each sampled frame, rising."""
        return np.asarray(self._group["picks"][()], dtype=np.int64)

    def jpeg(self, index: int) -> bytes:
        """Sampled frame `index` as the bytes of a JPEG file."""
        return bytes(self._group["jpeg"][index])

    def jpegs(self) -> Iterator[bytes]:
        """The sampled frames in order as the bytes of JPEG files."""
        return (self.jpeg(index) for index in range(len(self)))

    def image(self, index: int) -> Pixels:
        """Sampled frame `index` as (H, W, 3) uint8 RGB."""
        with Image.open(io.BytesIO(self.jpeg(index))) as image:
            return np.asarray(image.convert("RGB"))


@contextmanager
def reading(path: Path) -> Iterator[list[VideoFrames]]:
    """The videos of a frames file in natural order, readable while the block lasts.

    Raises UserError naming the file, and the group, where it is missing or not in the schema.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such file; run the sample stage first")
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise UserError(
            f"{path} is not a readable HDF5 file ({error}); delete it and run the sample stage"
        ) from error
    with file:
        videos = []
        for name in sorted(file, key=natural):
            try:
                video = VideoFrames(file[name])
                if len({file[name][key].shape[0] for key in ("jpeg", "picks")}) != 1:
                    raise KeyError("jpeg and picks of one length")
            except (KeyError, AttributeError) as error:
                raise UserError(
                    f"{path}: {name} is not what the sample stage writes ({error}); run it again"
                ) from error
            videos.append(video)
        yield videos

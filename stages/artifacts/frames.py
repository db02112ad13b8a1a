"""The sampled frames of a dataset in one HDF5 file: written video by video, read lazily.

Shapes: T sampled frames, N video frames, D image feature width, S shots, H, W pixels.
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

from stages.artifacts.field import natural, seg_lengths
from stages.errors import UserError
from stages.work.files import replacing

Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]
Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Sampled:
    """One video's frames before they are written.

    features_TD: image features as the encoder gives them, not normalised. change_points_S2:
    inclusive [start, end] video frames; change_points_from: "annotations" or "kts".
    """

    name: str
    video_name: str
    n_frames: int
    fps: float
    jpegs: tuple[bytes, ...]
    picks_T: Integers
    features_TD: Floats
    change_points_S2: Integers
    change_points_from: str


def write(path: Path, videos: Iterable[Sampled]) -> None:
    """Write videos as they come, one in memory at a time; the file appears whole or not at all."""
    with replacing(path) as temporary, h5py.File(temporary, "w") as file:
        for video in videos:
            group = file.create_group(video.name)
            group.attrs["video_name"] = video.video_name
            group.attrs["n_frames"] = video.n_frames
            group.attrs["fps"] = video.fps
            group.attrs["change_points_from"] = video.change_points_from
            stored_T = group.create_dataset(
                "jpeg", shape=(len(video.jpegs),), dtype=h5py.vlen_dtype(np.uint8)
            )
            for index, jpeg in enumerate(video.jpegs):
                stored_T[index] = np.frombuffer(jpeg, dtype=np.uint8)
            group["picks"] = video.picks_T
            group["features"] = video.features_TD
            group["change_points"] = video.change_points_S2
            group["n_frame_per_seg"] = seg_lengths(video.change_points_S2)


class VideoFrames:
    """One video of an open file. Arrays and frames are read when asked for, not before."""

    def __init__(self, group: Any) -> None:
        self._group = group
        self.name = str(group.name).strip("/")
        self.video_name = str(group.attrs["video_name"])
        self.n_frames = int(group.attrs["n_frames"])
        self.fps = float(group.attrs["fps"])
        self.change_points_from = str(group.attrs["change_points_from"])

    def __len__(self) -> int:
        """Sampled frames, T."""
        return int(self._group["picks"].shape[0])

    def picks(self) -> Integers:
        """The video frame (T,) of each sampled frame, rising."""
        return np.asarray(self._group["picks"][()], dtype=np.int64)

    def features(self) -> Floats:
        """Image features (T, D), not normalised."""
        return np.asarray(self._group["features"][()], dtype=np.float32)

    def change_points(self) -> Integers:
        """Shots (S, 2) as inclusive [start, end] video frames."""
        return np.asarray(self._group["change_points"][()], dtype=np.int64)

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
                lengths = {file[name][key].shape[0] for key in ("jpeg", "picks", "features")}
                if len(lengths) != 1 or "change_points" not in file[name]:
                    raise KeyError("jpeg, picks and features of one length, and change_points")
            except (KeyError, AttributeError) as error:
                raise UserError(
                    f"{path}: {name} is not what the sample stage writes ({error}); run it again"
                ) from error
            videos.append(video)
        yield videos

"""People's judgement of each video, in the field's own HDF5 schema.

Shapes: T sampled frames, N video frames, U users, S shots.

The schema is that of the `eccv16_dataset_*` files (Zhang et al. 2016, carried on by vsLSTM, DSNet,
PGL-SUM, CSTA): one group a video, `video_1` and so on. Two things are added beside it:
`user_scores` where people gave scores, and root attributes saying which dataset this is and
whether its people are simulated. Groups that lack the additions are read all the same.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from stages.errors import UserError
from stages.work.files import replacing

EVERY = 15
"""The field samples every 15th frame; its annotations' picks are these."""

Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]


def natural(name: str) -> list[tuple[int, str]]:
    """Sort key that puts video_2 before video_10."""
    parts = re.split(r"(\d+)", name)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


@dataclass(frozen=True, eq=False)
class VideoAnnotations:
    """What people said of one video.

    picks_T: frame indices, rising. gtscore_T: 0 to 1, what models learn. change_points_S2:
    inclusive [start, end] frames of each shot, None where the annotations bring no shots.
    user_summary_UN: 1 where a user's summary shows the frame. user_scores_UN: on the users' own
    scale (1 to 5). At least one of the last two is there.
    """

    name: str
    video_name: str
    n_frames: int
    picks_T: Integers
    gtscore_T: Floats
    change_points_S2: Integers | None = None
    user_summary_UN: Floats | None = None
    user_scores_UN: Floats | None = None


@dataclass(frozen=True, eq=False)
class Annotations:
    """A dataset's annotations: videos in natural order."""

    dataset: str
    simulated: bool
    videos: tuple[VideoAnnotations, ...]


def seg_lengths(change_points: Integers) -> Integers:
    """Frames in each shot (S,), from inclusive [start, end] rows (S, 2): `n_frame_per_seg`."""
    return change_points[:, 1] - change_points[:, 0] + 1


def write(path: Path, annotations: Annotations) -> None:
    """Write annotations, whole or not at all. The same annotations give the same bytes."""
    with replacing(path) as temporary, h5py.File(temporary, "w") as file:
        file.attrs["dataset"] = annotations.dataset
        file.attrs["simulated"] = annotations.simulated
        for video in sorted(annotations.videos, key=lambda video: natural(video.name)):
            group = file.create_group(video.name)
            group["video_name"] = video.video_name
            group["n_frames"] = video.n_frames
            group["n_steps"] = len(video.picks_T)
            group["picks"] = video.picks_T.astype(np.int64)
            group["gtscore"] = video.gtscore_T.astype(np.float32)
            if video.change_points_S2 is not None:
                group["change_points"] = video.change_points_S2.astype(np.int64)
                group["n_frame_per_seg"] = seg_lengths(video.change_points_S2).astype(np.int64)
            for key in ("user_summary", "user_scores"):
                data_UN = getattr(video, f"{key}_UN")
                if data_UN is not None:
                    group.create_dataset(key, data=data_UN.astype(np.float32), compression="gzip")


def read(path: Path) -> Annotations:
    """Read and check annotations, of this project or from elsewhere in the same schema.

    Raises UserError naming the file, the group and the key of whatever is missing, misshapen or
    in disagreement with the rest.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such annotation file; run the download stage first")
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise UserError(
            f"{path} is not a readable HDF5 file ({error}); delete it and download it anew"
        ) from error
    with file:
        names = sorted((key for key in file if isinstance(file[key], h5py.Group)), key=natural)
        if not names:
            raise UserError(f"{path} holds no group of a video (video_1, ...); wrong file?")
        return Annotations(
            dataset=str(file.attrs.get("dataset", path.stem)),
            simulated=bool(file.attrs.get("simulated", False)),
            videos=tuple(_Group(path, file[name]).video() for name in names),
        )


class _Group:
    """One video's group while it is read; every complaint names file, group and key."""

    def __init__(self, path: Path, group: Any) -> None:
        self.path, self.group = path, group
        self.name = str(group.name).strip("/")

    def wrong(self, key: str, what: str) -> UserError:
        return UserError(f"{self.path}: {self.name}/{key}: {what}")

    def dataset(self, key: str) -> Any:
        if not isinstance(self.group.get(key), h5py.Dataset):
            has = ", ".join(sorted(self.group)) or "nothing"
            raise self.wrong(key, f"is missing (the group has {has})")
        return self.group[key]

    def numbers(self, key: str, shape: Sequence[int | None]) -> npt.NDArray[Any]:
        """The numbers under `key`; None in `shape` stands for any length but zero."""
        array = np.asarray(self.dataset(key)[()])
        if array.dtype.kind not in "biuf":
            raise self.wrong(key, f"must hold numbers, holds {array.dtype}")
        fits = array.ndim == len(shape) and all(
            size == wanted or (wanted is None and size > 0)
            for size, wanted in zip(array.shape, shape, strict=True)
        )
        if not fits:
            wanted = " × ".join("any" if size is None else str(size) for size in shape)
            raise self.wrong(key, f"must be {wanted} in shape, is {array.shape}")
        if not np.isfinite(array).all():
            raise self.wrong(key, "holds NaN or infinity")
        return array

    def count(self, key: str) -> int:
        array = np.asarray(self.dataset(key)[()])
        if array.size != 1 or array.dtype.kind not in "iuf" or not float(array.item()).is_integer():
            raise self.wrong(key, "must be one whole number")
        return int(array.item())

    def video_name(self) -> str:
        # The field's own TVSum file has no such key.
        if "video_name" not in self.group:
            return self.name
        value = np.asarray(self.dataset("video_name")[()]).reshape(-1)
        if value.size != 1:
            raise self.wrong("video_name", "must be one text")
        name = value[0]
        return name.decode("utf-8") if isinstance(name, bytes) else str(name)

    def picks(self, n_frames: int) -> Integers:
        picks_T = self.numbers("picks", (None,)).astype(np.int64)
        if picks_T[0] < 0 or picks_T[-1] >= n_frames or (np.diff(picks_T) <= 0).any():
            raise self.wrong(
                "picks", f"must rise inside 0 to {n_frames - 1}, go {picks_T[0]} to {picks_T[-1]}"
            )
        if "n_steps" in self.group and self.count("n_steps") != len(picks_T):
            raise self.wrong("n_steps", f"is {self.count('n_steps')} for {len(picks_T)} picks")
        return picks_T

    def gtscore(self, steps: int) -> Floats:
        gtscore_T = self.numbers("gtscore", (steps,)).astype(np.float32)
        if gtscore_T.min() < 0 or gtscore_T.max() > 1:
            raise self.wrong(
                "gtscore", f"must lie in 0 to 1, goes {gtscore_T.min():g} to {gtscore_T.max():g}"
            )
        return gtscore_T

    def change_points(self, n_frames: int) -> Integers | None:
        if "change_points" not in self.group:
            return None
        shots_S2 = self.numbers("change_points", (None, 2)).astype(np.int64)
        bounds = shots_S2.ravel()
        if (
            bounds[0] < 0
            or bounds[-1] >= n_frames
            or (shots_S2[:, 0] > shots_S2[:, 1]).any()
            or (shots_S2[1:, 0] <= shots_S2[:-1, 1]).any()
        ):
            raise self.wrong(
                "change_points",
                "must be inclusive [start, end] shots in order, without overlap, inside 0 to "
                f"{n_frames - 1}; they go from {bounds[0]} to {bounds[-1]}",
            )
        return shots_S2

    def by_users(self, key: str, n_frames: int) -> Floats | None:
        if key not in self.group:
            return None
        given = self.dataset(key)
        if given.ndim == 2 and given.shape[1] != n_frames:
            raise self.wrong(
                key, f"covers {given.shape[1]} frames, but n_frames says {n_frames}; one is wrong"
            )
        return self.numbers(key, (None, n_frames)).astype(np.float32)

    def video(self) -> VideoAnnotations:
        n_frames = self.count("n_frames")
        if n_frames < 1:
            raise self.wrong("n_frames", f"must be at least 1, is {n_frames}")
        picks_T = self.picks(n_frames)
        summary_UN = self.by_users("user_summary", n_frames)
        scores_UN = self.by_users("user_scores", n_frames)
        if summary_UN is None and scores_UN is None:
            raise self.wrong("user_summary", "is missing, and so is user_scores; one is needed")
        if summary_UN is not None and not ((summary_UN == 0) | (summary_UN == 1)).all():
            raise self.wrong("user_summary", "must be 0 or 1 everywhere")
        return VideoAnnotations(
            name=self.name,
            video_name=self.video_name(),
            n_frames=n_frames,
            picks_T=picks_T,
            gtscore_T=self.gtscore(len(picks_T)),
            change_points_S2=self.change_points(n_frames),
            user_summary_UN=summary_UN,
            user_scores_UN=scores_UN,
        )

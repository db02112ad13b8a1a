"""The timeline: which videos there are, and what every per-frame array hangs on.

Shapes: T sampled frames, N video frames, S shots.

One HDF5 file a dataset, a group a video: `title`, `n_frames`, `fps`, `picks` (T,), `times` (T,),
and, where the shots are known, `shots` (S, 2) with their origin in `shots_from`. An attribute
`cut`, (frames, picks), is there where people annotated more frames than the video's file has, and
`part` where the dataset's authors published a split.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from stages.artifacts.hdf5 import Group, groups, reading, writing
from stages.artifacts.names import natural
from stages.artifacts.shots import covering
from stages.artifacts.video import WHOLE, Cut, Integers, Part, Video
from stages.errors import UserError, anew
from stages.work.placed import Placed, numbered
from stages.work.ragged import Ragged


class Videos(Sequence[Video]):
    """Videos whose numbers are kept in few long arrays: each is put together when asked for."""

    def __init__(self, videos: Iterable[Video]) -> None:
        self._plain: dict[str, list[Any]] = {name: [] for name in _PLAIN}
        self._picks, self._times, self._shots = Ragged(), Ragged(), Ragged()
        for video in videos:
            if video.n_frames > _MOST:
                raise UserError(f"{video.name} ({video.title}): more than {_MOST:,} frames")
            for name, values in self._plain.items():
                values.append(getattr(video, name))
            self._picks.append(video.picks_T.astype(np.int32))
            even = np.array_equal(video.times_T, video.picks_T / video.fps)
            self._times.append(video.times_T[:0] if even else video.times_T)
            shots_S2 = video.shots_S2
            self._shots.append(_NO_SHOTS if shots_S2 is None else shots_S2.astype(np.int32))

    @overload
    def __getitem__(self, place: int) -> Video: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[Video, ...]: ...
    def __getitem__(self, place: int | slice) -> "Video | tuple[Video, ...]":
        if isinstance(place, slice):
            return tuple(self[each] for each in range(*place.indices(len(self))))
        plain = {name: values[place] for name, values in self._plain.items()}
        picks_T = self._picks[place].astype(np.int64)
        times_T, shots_S2 = self._times[place], self._shots[place]
        return Video(
            picks_T=picks_T,
            times_T=times_T if len(times_T) else picks_T / plain["fps"],
            shots_S2=shots_S2.astype(np.int64) if len(shots_S2) else None,
            **plain,
        )

    def __len__(self) -> int:
        return len(self._picks)

    @property
    def names(self) -> Sequence[str]:
        return self._plain["name"]


_PLAIN = ("name", "title", "n_frames", "fps", "shots_from", "cut", "part")
_NO_SHOTS = np.empty((0, 2), np.int32)
_MOST = np.iinfo(np.int32).max


class _ByName(Placed[Video]):
    def __init__(self, videos: Sequence[Video], names: Iterable[str]) -> None:
        super().__init__(numbered(names))
        self._videos = videos

    def at(self, place: int) -> Video:
        return self._videos[place]


@dataclass(frozen=True, eq=False)
class Timeline:
    """A dataset's videos in natural order of their names."""

    dataset: str
    videos: Sequence[Video]

    @cached_property
    def by_name(self) -> Mapping[str, Video]:
        return _ByName(self.videos, self.names)

    @property
    def names(self) -> tuple[str, ...]:
        if isinstance(self.videos, Videos):
            return tuple(self.videos.names)
        return tuple(video.name for video in self.videos)

    @property
    def parts(self) -> dict[str, Part]:
        """Of the split that the dataset brings, by video; empty where it brings none."""
        return {video.name: video.part for video in self.videos if video.part is not None}

    def __reduce__(self) -> tuple[Any, ...]:
        return Timeline, (self.dataset, Videos(self.videos))


def write(path: Path, timeline: Timeline) -> None:
    """Write a timeline, whole or not at all. The same timeline gives the same bytes."""
    with writing(path) as file:
        file.attrs["dataset"] = timeline.dataset
        for video in sorted(timeline.videos, key=lambda video: natural(video.name)):
            group = file.create_group(video.name)
            group["title"] = video.title
            group["n_frames"] = video.n_frames
            group["fps"] = float(video.fps)
            group["picks"] = video.picks_T.astype(np.int64)
            group["times"] = video.times_T.astype(np.float64)
            if video.shots_S2 is not None:
                group["shots"] = video.shots_S2.astype(np.int64)
                group.attrs["shots_from"] = video.shots_from or "annotations"
            if video.cut.frames:
                group.attrs["cut"] = np.array(video.cut, dtype=np.int64)
            if video.part is not None:
                group.attrs["part"] = video.part


def read(path: Path) -> Timeline:
    """Read and check a timeline. Raises UserError naming file, group and key of what is wrong."""
    remedy = anew()
    with reading(path, remedy) as file:
        videos = Videos(_video(group) for group in groups(path, file))
        return Timeline(str(file.attrs.get("dataset", path.stem)), videos)


def picks_of(group: Group, n_frames: int) -> Integers:
    """`picks` (T,), whole numbers which must rise inside the video."""
    given_T = group.numbers("picks", (None,))
    picks_T = given_T.astype(np.int64)
    if (picks_T != given_T).any():
        raise group.wrong("picks", "must be whole frames; one has a fraction")
    if picks_T[0] < 0 or picks_T[-1] >= n_frames or (np.diff(picks_T) <= 0).any():
        raise group.wrong(
            "picks", f"must rise inside 0 to {n_frames - 1}, go {picks_T[0]} to {picks_T[-1]}"
        )
    return picks_T


def _video(group: Group) -> Video:
    n_frames = group.count("n_frames")
    if n_frames < 1:
        raise group.wrong("n_frames", f"must be at least 1, is {n_frames}")
    picks_T = picks_of(group, n_frames)
    shots_S2, origin = None, None
    if "shots" in group:
        shots_S2 = covering(
            f"{group.path}: {group.name}", group.numbers("shots", (None, 2)), n_frames
        )
        origin = group.group.attrs["shots_from"]
    return Video(
        name=group.name,
        title=group.text("title"),
        n_frames=n_frames,
        fps=_rate(group),
        picks_T=picks_T,
        times_T=_times(group, len(picks_T)),
        shots_S2=shots_S2,
        shots_from=origin,
        cut=Cut(*map(int, group.group.attrs.get("cut", WHOLE))),
        part=group.group.attrs.get("part"),
    )


def _rate(group: Group) -> float:
    fps = group.number("fps")
    if fps <= 0:
        raise group.wrong("fps", f"must be frames a second, more than 0; is {fps:g}")
    return fps


def _times(group: Group, picks: int) -> npt.NDArray[np.float64]:
    times_T = group.numbers("times", (picks,)).astype(np.float64)
    if (np.diff(times_T) < 0).any():
        raise group.wrong("times", "must not fall")
    return times_T


def same_picks(video: Video, picks: Sequence[int] | npt.ArrayLike, origin: str) -> None:
    """Raises UserError, naming the video and both counts, where picks are not the timeline's."""
    theirs_T = np.asarray(picks)
    if np.array_equal(theirs_T, video.picks_T):
        return
    said = f"{len(theirs_T)} frames"
    if len(theirs_T) == len(video.picks_T):
        first = int(np.flatnonzero(theirs_T != video.picks_T)[0])
        said += f", of which number {first + 1} is frame {theirs_T[first]}, not "
        said += f"{video.picks_T[first]},"
    raise UserError(
        f"{origin}: {video.name} ({video.title}) is given for {said} and its timeline picks "
        f"{len(video.picks_T)} of {video.n_frames} frames; they are another sampling's or video's"
    )

"""The timeline: which videos there are, and what every per-frame array hangs on.

Shapes: T sampled frames, N video frames, S shots.

One HDF5 file a dataset, a group a video: `title`, `n_frames`, `fps`, `picks` (T,), `times` (T,),
and, where the shots are known, `shots` (S, 2) with their origin in `shots_from`. An attribute
`cut`, (frames, picks), is there where people annotated more frames than the video's file has, and
`part` where the dataset's authors published a split.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple, overload

import numpy as np
import numpy.typing as npt

from stages.artifacts.hdf5 import Group, groups, reading, writing
from stages.artifacts.names import natural
from stages.artifacts.shots import covering
from stages.errors import UserError
from stages.work.placed import Placed, numbered
from stages.work.ragged import Ragged

EVERY = 15
"""The field samples every 15th frame: two a second at 30 frames a second."""
FIELD_FPS = 30.0
"""Of a video whose frame rate nobody says; for the time axis of its curves alone."""

Origin = Literal["annotations", "field", "kts"]
"""Where shots come from: the annotations themselves, the field's published segmentation, or this
project's own kernel temporal segmentation.
"""

Part = Literal["train", "validation", "test"]
"""What a video is for in the split that a dataset's authors published."""

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


class Cut(NamedTuple):
    """How many frames, and how many picks among them, people annotated beyond a video's end.

    Arrays of what people said are so much longer than the timeline until `people.read` cuts them.
    """

    frames: int
    picks: int


WHOLE = Cut(0, 0)


@dataclass(frozen=True, eq=False, slots=True)
class Video:
    """One video's spine.

    title: what people call it, a file's name or a YouTube id. fps: on average. picks_T: the sampled
    frames, rising. times_T: when they are shown, in seconds from the beginning. shots_S2: inclusive
    [start, end] frames of each shot, covering every frame; None while they are not known. part: in
    the split of its dataset's authors; None where they published none.
    """

    name: str
    title: str
    n_frames: int
    fps: float
    picks_T: Integers
    times_T: Floats
    shots_S2: Integers | None = None
    shots_from: Origin | None = None
    cut: Cut = WHOLE
    part: Part | None = None

    @classmethod
    def sampled(
        cls, name: str, title: str, n_frames: int, fps: float | None = None, every: int = EVERY
    ) -> "Video":
        """Every `every`-th frame from the first on, at a constant rate."""
        picks_T = np.arange(0, n_frames, every, dtype=np.int64)
        rate = fps or FIELD_FPS
        return cls(name, title, n_frames, rate, picks_T, picks_T / rate)

    def with_shots(self, shots_S2: npt.ArrayLike, origin: Origin) -> "Video":
        """The video with its shots. Raises UserError where they do not cover it."""
        checked = covering(self.name, shots_S2, self.n_frames)
        return replace(self, shots_S2=checked, shots_from=origin)

    def ending_at(self, n_frames: int) -> "Video":
        """The video's first `n_frames` frames: later picks and shots are gone, the last shot ends.

        Raises UserError where no pick is left.
        """
        kept = int(np.searchsorted(self.picks_T, n_frames))
        if not kept:
            raise UserError(f"{self.name} ({self.title}): no pick is before frame {n_frames}")
        shots_S2 = self.shots_S2
        if shots_S2 is not None:
            shots_S2 = np.minimum(shots_S2[shots_S2[:, 0] < n_frames], n_frames - 1)
        cut = self.n_frames - n_frames, len(self.picks_T) - kept
        return replace(
            self,
            n_frames=n_frames,
            picks_T=self.picks_T[:kept],
            times_T=self.times_T[:kept],
            shots_S2=shots_S2,
            cut=Cut(self.cut.frames + cut[0], self.cut.picks + cut[1]),
        )

    @property
    def seconds(self) -> float:
        return self.n_frames / self.fps

    def seconds_at(self, frames: npt.ArrayLike) -> Floats:
        """When frames are shown, 0 to n_frames, which is the end: between picks at an even pace."""
        knots = np.append(self.picks_T, self.n_frames)
        # At a constant rate nothing is late, and seconds are frames / fps to the last bit.
        late = np.append(self.times_T, self.seconds) - knots / self.fps
        at = np.asarray(frames, dtype=np.float64)
        return at / self.fps + np.interp(at, knots, late)

    def frame_at(self, second: float) -> float:
        """The frame shown at a second, with the fraction of its time that has gone by."""
        knots = np.append(self.picks_T, self.n_frames)
        return float(np.interp(second, np.append(self.times_T, self.seconds), knots))

    def known_shots(self) -> Integers:
        """The shots. Raises UserError, saying what would bring them, where there are none."""
        if self.shots_S2 is None:
            raise UserError(
                f"{self.name} ({self.title}): its shots are not known, and without videos none can "
                "be found; name the field's h5 as download.h5 in params.yaml"
            )
        return self.shots_S2


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

    @property
    def parts(self) -> Sequence[Part | None]:
        return self._plain["part"]


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
    remedy = "run the stage that makes it again (`dvc repro`)"
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
        fps=float(np.asarray(group.dataset("fps")[()]).item()),
        picks_T=picks_T,
        times_T=group.numbers("times", (len(picks_T),)).astype(np.float64),
        shots_S2=shots_S2,
        shots_from=origin,
        cut=Cut(*map(int, group.group.attrs.get("cut", WHOLE))),
        part=group.group.attrs.get("part"),
    )


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

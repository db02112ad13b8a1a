"""People's judgement of a dataset's videos, apart from the videos themselves.

Shapes: T sampled frames, N video frames, U users.

One HDF5 file a dataset, a group a video: `gtscore` (T,), and at least one of `user_summary` and
`user_scores` (U, N). A root attribute says whether the people are simulated. Of a video that the
timeline cuts short the file keeps what people said of every frame, and reading it cuts that too.
What people said of a video is read when it is asked for, and kept where there is room for all: a
dataset of any size can be gone through.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from stages.artifacts.hdf5 import Group, names, reading, writing
from stages.artifacts.names import natural
from stages.artifacts.timeline import Timeline
from stages.artifacts.video import WHOLE, Video
from stages.errors import UserError, anew
from stages.work.on_demand import InTurn, OnDemand

Floats = npt.NDArray[np.float32]
Chosen = npt.NDArray[np.bool_]

_OBJECTS = 500
"""Bytes of a judgement beside its numbers, about."""
_AGAIN = anew("download")


@dataclass(frozen=True, eq=False, slots=True)
class Judgement:
    """What people said of one video.

    gtscore_T: 0 to 1, what models learn. user_summary_UN: whether a user's summary shows the
    frame. user_scores_UN: on the users' own scale (1 to 5). At least one of the last two is there.
    """

    name: str
    gtscore_T: Floats
    user_summary_UN: Chosen | None = None
    user_scores_UN: Floats | None = None

    @property
    def users(self) -> int:
        given = self.user_summary_UN if self.user_scores_UN is None else self.user_scores_UN
        return 0 if given is None else len(given)


@dataclass(frozen=True, eq=False)
class People:
    """A dataset's judgements in natural order of the videos' names."""

    dataset: str
    simulated: bool
    videos: Sequence[Judgement]

    @cached_property
    def by_name(self) -> Mapping[str, Judgement]:
        if isinstance(self.videos, InTurn):
            return self.videos.by_name
        return {video.name: video for video in self.videos}


def write(path: Path, people: People) -> None:
    """Write judgements, whole or not at all. The same ones give the same bytes."""
    with writing(path) as file:
        file.attrs["dataset"] = people.dataset
        file.attrs["simulated"] = people.simulated
        for name in sorted(people.by_name, key=natural):
            video = people.by_name[name]
            group = file.create_group(video.name)
            group["gtscore"] = video.gtscore_T.astype(np.float32)
            for key in ("user_summary", "user_scores"):
                data_UN = getattr(video, f"{key}_UN")
                if data_UN is not None:
                    group.create_dataset(key, data=data_UN.astype(np.float32), compression="gzip")


def read(path: Path, timeline: Timeline) -> People:
    """What people said of a timeline's videos, as far as those go.

    Raises UserError naming file, group and key of what is missing. What is misshapen, or of another
    number of frames than the timeline says, raises it when that video is read.
    """
    with reading(path, _AGAIN) as file:
        there = set(names(path, file))
        if strange := sorted(there - timeline.by_name.keys(), key=natural):
            raise UserError(f"{path}: {strange[0]} is not on the timeline of this dataset")
        if missing := [name for name in timeline.names if name not in there]:
            raise UserError(f"{path}: lacks {', '.join(missing)}; {_AGAIN}")
        return People(
            dataset=str(file.attrs.get("dataset", path.stem)),
            simulated=bool(file.attrs.get("simulated", False)),
            videos=InTurn(_Judgements(path, timeline)),
        )


class _Judgements(OnDemand[Judgement]):
    """A file's judgements, cut to the timeline."""

    def __init__(self, path: Path, timeline: Timeline) -> None:
        super().__init__(timeline.names)
        self._path, self._timeline = path, timeline

    def make(self, name: str) -> Judgement:
        video = self._timeline.by_name[name]
        frames, steps = video.n_frames + video.cut.frames, len(video.picks_T) + video.cut.picks
        with reading(self._path, _AGAIN) as file:
            return as_far_as(video, judgement(Group(self._path, file[name]), frames, steps))

    def size(self, value: Judgement) -> int:
        given = (value.gtscore_T, value.user_summary_UN, value.user_scores_UN)
        return _OBJECTS + sum(array.nbytes for array in given if array is not None)


def as_far_as(video: Video, said: Judgement) -> Judgement:
    """What people said of a video up to the end that the timeline gives it."""
    if video.cut == WHOLE:
        return said
    summary_UN, scores_UN = said.user_summary_UN, said.user_scores_UN
    return replace(
        said,
        gtscore_T=said.gtscore_T[: len(video.picks_T)],
        user_summary_UN=None if summary_UN is None else summary_UN[:, : video.n_frames],
        user_scores_UN=None if scores_UN is None else scores_UN[:, : video.n_frames],
    )


def judgement(group: Group, n_frames: int, steps: int) -> Judgement:
    """One video's group, in this schema or the field's, which name these keys alike."""
    said_UN = _by_users(group, "user_summary", n_frames)
    scores_UN = _by_users(group, "user_scores", n_frames)
    if said_UN is None and scores_UN is None:
        raise group.wrong("user_summary", "is missing, and so is user_scores; one is needed")
    if said_UN is not None and not ((said_UN == 0) | (said_UN == 1)).all():
        raise group.wrong("user_summary", "must be 0 or 1 everywhere")
    summary_UN = None if said_UN is None else said_UN > 0
    gtscore_T = group.numbers("gtscore", (steps,)).astype(np.float32)
    if gtscore_T.min() < 0 or gtscore_T.max() > 1:
        raise group.wrong(
            "gtscore", f"must lie in 0 to 1, goes {gtscore_T.min():g} to {gtscore_T.max():g}"
        )
    return Judgement(group.name, gtscore_T, summary_UN, scores_UN)


def _by_users(group: Group, key: str, n_frames: int) -> Floats | None:
    if key not in group:
        return None
    given = group.dataset(key)
    if given.ndim == 2 and given.shape[1] != n_frames:
        raise group.wrong(
            key, f"covers {given.shape[1]} frames, but n_frames says {n_frames}; one is wrong"
        )
    return group.numbers(key, (None, n_frames)).astype(np.float32)

"""The authors' embeddings: one file of query states, one of answer states, pooled over tokens.

The release reads `user_prompt_pool.h5` and `gen_pool.h5`, which hold an array a video: (T, k, W),
the states of k groups of tokens, or (T, W). TVSum's are named `video_N`, SumMe's by the file with
spaces as underscores.

Shapes: T sampled frames, k groups of tokens, W embedding width.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
import numpy.typing as npt

from stages.artifacts import hdf5
from stages.artifacts.timeline import Timeline
from stages.artifacts.video import Video
from stages.errors import UserError
from stages.sources.given import of_videos

Floats = npt.NDArray[np.float32]


class Pooled(NamedTuple):
    """One video's states, the maximum over k."""

    video: Video
    query_TW: Floats
    answer_TW: Floats


def read(query: Path, answer: Path, timeline: Timeline) -> Iterator[Pooled]:
    """Every video of a timeline, one in memory at a time.

    Raises UserError saying what was expected and found: a file that is missing or holds no
    arrays, a video that is missing, another number of frames than picks, widths that differ,
    or a number that is not finite.
    """
    width = None
    with _opened(query, timeline) as queries, _opened(answer, timeline) as answers:
        for video in timeline.videos:
            pair = queries.states(video), answers.states(video)
            width = width or pair[0].shape[1]
            if not pair[0].shape[1] == pair[1].shape[1] == width:
                raise UserError(
                    f"{video.name}: states are {pair[0].shape[1]} wide in {query} and "
                    f"{pair[1].shape[1]} in {answer}; expected {width} everywhere"
                )
            yield Pooled(video, *pair)


def check(query: Path, answer: Path, timeline: Timeline) -> None:
    """Hold both files' names and shapes against a timeline, and read no number.

    Raises UserError as `read` does, but of widths that differ and numbers that are not finite.
    """
    with _opened(query, timeline) as queries, _opened(answer, timeline) as answers:
        for video in timeline.videos:
            queries.array(video)
            answers.array(video)


class _States:
    """One of the two files while it is open."""

    def __init__(self, path: Path, file: h5py.File, timeline: Timeline) -> None:
        self._path = path
        self._by_name: dict[str, Any] = of_videos(path, file, timeline, "states")

    def _where(self, states: Any) -> str:
        return f"{self._path}: {states.name.strip('/')}"

    def array(self, video: Video) -> Any:
        """One video's states as they lie in the file, their shape checked."""
        states = self._by_name[video.name]
        where, steps = self._where(states), len(video.picks_T)
        if not isinstance(states, h5py.Dataset):
            raise UserError(f"{where}: expected an array, found a group of {', '.join(states)}")
        if states.ndim not in (2, 3) or 0 in states.shape or states.dtype.kind != "f":
            raise UserError(
                f"{where}: expected numbers (frames, groups of tokens, width), found "
                f"{states.dtype} {states.shape}"
            )
        if len(states) != steps:
            raise UserError(
                f"{where}: states of {len(states)} frames; the timeline picks {steps} of "
                f"{video.n_frames}"
            )
        return states

    def states(self, video: Video) -> Floats:
        """One video's states (T, W)."""
        states = self.array(video)
        states_TW = np.asarray(states, dtype=np.float32)
        if states_TW.ndim == 3:
            states_TW = states_TW.max(axis=1)
        if not np.isfinite(states_TW).all():
            where = self._where(states)
            raise UserError(f"{where}: holds NaN or infinity; fetch the file again")
        return states_TW


@contextmanager
def _opened(path: Path, timeline: Timeline) -> Iterator[_States]:
    with hdf5.reading(path, "fetch the release's embeddings from its page") as file:
        yield _States(path, file, timeline)

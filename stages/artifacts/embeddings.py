"""The embed stage's file: what the LLM made of every frame.

Shapes: T sampled frames, W width of an embedding.

A video is a group: query (T, W), answer (T, W), score (T,), NaN where the reply holds none,
reply (T,), picks (T,). Where examples are drawn from training videos, what the LLM makes of a
video differs by split: then ``splits/PROTOCOL/NUMBER`` holds a group a video too, and the video's
own group at the top is that of the first split that tests it.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import numpy.typing as npt

from stages.artifacts import hdf5
from stages.artifacts.timeline import Video, same_picks
from stages.errors import UserError

SPLITS = "splits"
AGAIN = "run the embed stage again (`dvc repro`)"


@dataclass(frozen=True, eq=False)
class Embedded:
    """One video's states; the LLM's own scores and replies, None where they were not given."""

    query_TW: npt.NDArray[np.float32]
    answer_TW: npt.NDArray[np.float32]
    score_T: npt.NDArray[np.float64] | None
    replies: tuple[str, ...] | None


class Embeddings:
    """An open file. scale: lowest and highest score; by_split: whether videos differ by split."""

    def __init__(self, path: Path, file: h5py.File) -> None:
        self._path, self._file = path, file
        self.by_split = SPLITS in file
        low, high = file.attrs.get("lowest"), file.attrs.get("highest")
        self.scale = None if low is None or high is None else (float(low), float(high))

    def video(self, video: Video, protocol: str, number: int) -> Embedded:
        """A video as split `number` of a protocol is to see it.

        Raises UserError where it is missing, or was made from other frames.
        """
        where = place(self._file, video.name, protocol, number)
        if where not in self._file and protocol:
            where = video.name
        if where not in self._file:
            raise UserError(f"{self._path}: {video.name} is missing; {AGAIN}")
        group = hdf5.Group(self._path, self._file[where])
        same_picks(video, group.numbers("picks", (None,)), str(self._path))
        steps = len(video.picks_T)
        score_T = np.asarray(group.dataset("score")[()], float) if "score" in group else None
        replies = None
        if "reply" in group:
            replies = tuple(group.dataset("reply").asstr()[()].tolist())
        for name, of in (("score", score_T), ("reply", replies)):
            if of is not None and len(of) != steps:
                raise UserError(
                    f"{self._path}: {video.name} has {len(of)} of {name} for {steps} sampled "
                    f"frames; {AGAIN}"
                )
        return Embedded(
            group.numbers("query", (steps, None)).astype(np.float32),
            group.numbers("answer", (steps, None)).astype(np.float32),
            score_T,
            replies,
        )


@contextmanager
def reading(path: Path) -> Iterator[Embeddings]:
    """The embeddings while the block lasts."""
    with hdf5.reading(path, AGAIN) as file:
        yield Embeddings(path, file)


def place(file: h5py.File, video: str, protocol: str, number: int) -> str:
    """Name of the group that holds a video as split `number` of a protocol is to see it."""
    return f"{SPLITS}/{protocol}/{number}/{video}" if SPLITS in file else video


def put(
    group: h5py.Group,
    *,
    query_TW: npt.NDArray[np.float32],
    answer_TW: npt.NDArray[np.float32],
    score_T: npt.ArrayLike,
    replies: Sequence[str],
    picks_T: npt.ArrayLike,
) -> None:
    """Fill a video's group."""
    group["query"], group["answer"] = query_TW, answer_TW
    group["score"] = np.asarray(score_T, dtype=np.float32)
    # HDF5's strings cannot hold the character 0, which a model may well say.
    words = [reply.replace("\0", "\N{REPLACEMENT CHARACTER}") for reply in replies]
    group.create_dataset("reply", data=words, dtype=h5py.string_dtype())
    group["picks"] = np.asarray(picks_T, dtype=np.int64)

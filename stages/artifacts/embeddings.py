"""The embeddings of every frame: what an LLM made of it, or the authors' own where they are given.

Shapes: T sampled frames, W width of an embedding.

A video is a group: `query` (T, W), `answer` (T, W), `picks` (T,) and, where an LLM was asked here,
`reply` (T,) and, where it was asked for a score, `score` (T,), NaN where the reply holds none.
Where examples are drawn from training videos, what the LLM makes of a video differs by split: then
`splits/PROTOCOL/NUMBER` holds a group a video too, and the video's own group at the top is that of
the first split that tests it.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np
import numpy.typing as npt

from stages.artifacts import hdf5, timeline
from stages.artifacts.video import Video
from stages.errors import UserError, anew

_SPLITS = "splits"
_AGAIN = anew()

Floats = npt.NDArray[np.float32]
Split = tuple[str, int]
"""A protocol and the number of one of its splits, from 0."""


class Writing:
    """An embeddings file while it is filled, video by video."""

    def __init__(self, file: h5py.File) -> None:
        self._file = file
        self._unparsed = 0
        self._last: dict[str, str] = {}

    def put(
        self,
        video: str,
        *,
        query_TW: Floats,
        answer_TW: Floats,
        picks_T: npt.ArrayLike,
        score_T: npt.ArrayLike | None = None,
        replies: Sequence[str] | None = None,
        split: Split | None = None,
        tested: bool = False,
    ) -> None:
        """Add a video.

        Args:
            video: its name.
            query_TW, answer_TW: finite.
            picks_T: the video frames they are of.
            score_T: the LLM's own scores, NaN where a reply holds none; None: none were asked for.
            replies: the LLM's words; None: no LLM was asked here.
            split: whose embeddings these are, where they differ by split.
            tested: whether that split tests the video.
        """
        parent = self._file
        if split is not None:
            parent = _under(self._file, _folder(split))
        group = parent.create_group(video, track_order=True)
        group["query"] = np.asarray(query_TW, dtype=np.float32)
        group["answer"] = np.asarray(answer_TW, dtype=np.float32)
        if score_T is not None:
            group["score"] = np.asarray(score_T, dtype=np.float32)
            self._unparsed += int(np.isnan(group["score"][()]).sum())
        if replies is not None:
            # HDF5's strings cannot hold the character 0, which a model may well say.
            words = [reply.replace("\0", "\N{REPLACEMENT CHARACTER}") for reply in replies]
            group.create_dataset("reply", data=words, dtype=h5py.string_dtype())
        group["picks"] = np.asarray(picks_T, dtype=np.int64)
        if split is not None:
            self._last[video] = group.name
            if tested and video not in self._file:
                self._file[video] = group  # a second name for it, not a copy

    def close(self) -> None:
        """Name at the top what no split tests, and note how many replies hold no score."""
        for video, place in self._last.items():
            if video not in self._file:
                self._file[video] = self._file[place]
        self._file.attrs["unparsed"] = self._unparsed


@contextmanager
def writing(path: Path, *, llm: str, scale: tuple[float, float] | None = None) -> Iterator[Writing]:
    """An embeddings file to fill, which appears whole or not at all. The same gives the same bytes.

    Args:
        path: of the file.
        llm: the model's name, or whose embeddings they are.
        scale: lowest and highest score the LLM was asked for; None where none was.
    """
    with hdf5.writing(path, track_order=True) as file:
        written = Writing(file)
        yield written
        file.attrs["llm"] = llm
        if scale is not None:
            file.attrs["lowest"], file.attrs["highest"] = scale
        written.close()


class Embedded:
    """One video of an open file. An array is read when asked for, and no other with it."""

    def __init__(self, group: hdf5.Group, steps: int) -> None:
        self._group, self._steps = group, steps

    @property
    def query_TW(self) -> Floats:
        """States of the query's tokens. Raises UserError where they are not finite, or not T."""
        return self._numbers("query")

    @property
    def answer_TW(self) -> Floats:
        """States of the answer's tokens. Raises UserError as `query_TW`."""
        return self._numbers("answer")

    @property
    def score_T(self) -> Floats | None:
        """The LLM's own scores, NaN where its reply holds none; None where it was not asked."""
        if "score" not in self._group:
            return None
        return np.asarray(self._of_length("score")[()], dtype=np.float32)

    @property
    def replies(self) -> list[str] | None:
        """The LLM's words; None where none was asked here."""
        if "reply" not in self._group:
            return None
        return [str(reply) for reply in self._of_length("reply").asstr()[()]]

    def _numbers(self, key: str) -> Floats:
        try:
            return self._group.numbers(key, (self._steps, None)).astype(np.float32, copy=False)
        except UserError as error:
            raise UserError(f"{error}; {_AGAIN}") from error

    def _of_length(self, key: str) -> h5py.Dataset:
        data = self._group.dataset(key)
        if data.shape != (self._steps,):
            wrong = self._group.wrong(key, f"must be ({self._steps},) in shape, is {data.shape}")
            raise UserError(f"{wrong}; {_AGAIN}")
        return data


class Reading:
    """An embeddings file while it is open.

    llm: the model's name, or whose embeddings they are. scale: lowest and highest score the LLM
    was asked for; None where none was. by_split: whether a video's embeddings differ by split.
    unparsed: replies without a score.
    """

    def __init__(self, path: Path, file: h5py.File) -> None:
        self._path, self._file = path, file
        try:
            self.llm = str(file.attrs["llm"])
            self.unparsed = int(file.attrs["unparsed"])
        except KeyError as error:
            raise UserError(f"{path} is no file of embeddings ({error}); {_AGAIN}") from error
        self.scale: tuple[float, float] | None = None
        if "lowest" in file.attrs:
            self.scale = float(file.attrs["lowest"]), float(file.attrs["highest"])
        self.by_split = _SPLITS in file

    def video(
        self, video: Video, protocol: str | None = None, number: int | None = None
    ) -> Embedded:
        """A video as a split is to see it; without one, as the first split that tests it does.

        Raises UserError, saying how to mend it, where the video, or the split, is not there, or
        the embeddings are of other frames than the timeline picks.
        """
        place = video.name
        if self.by_split and protocol is not None and number is not None:
            folder = _folder((protocol, number))
            if folder not in self._file:
                raise UserError(
                    f"{self._path}: lacks split {number + 1} of the protocol {protocol}; {_AGAIN}"
                )
            place = f"{folder}/{video.name}"
        if not isinstance(self._file.get(place), h5py.Group):
            raise UserError(
                f"{self._path}: lacks {place} ({video.title}), which is on the timeline; {_AGAIN}"
            )
        group = hdf5.Group(self._path, self._file[place])
        try:
            picks_T = group.numbers("picks", (None,))
            timeline.same_picks(video, picks_T, f"{self._path}: {place}")
        except UserError as error:
            raise UserError(f"{error}; {_AGAIN}") from error
        return Embedded(group, len(picks_T))


@contextmanager
def reading(path: Path) -> Iterator[Reading]:
    """An embeddings file, readable while the block lasts.

    Raises UserError naming the file where it is missing, damaged, or something else.
    """
    with hdf5.reading(path, _AGAIN) as file:
        yield Reading(path, file)


def _folder(split: Split) -> str:
    protocol, number = split
    return f"{_SPLITS}/{protocol}/{number}"


def _under(file: h5py.File, place: str) -> h5py.Group:
    return file[place] if place in file else file.create_group(place, track_order=True)

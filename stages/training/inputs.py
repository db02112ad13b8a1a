"""The LLM's embeddings and people's scores, joined into what the model learns from.

Shapes: T sampled frames, D embedding width.
"""

from functools import partial
from pathlib import Path
from typing import Any, Literal

import h5py
import numpy as np
import numpy.typing as npt
import torch

from stages.artifacts import embeddings as readings
from stages.artifacts.field import Annotations
from stages.errors import UserError
from stages.splits.folds import Protocol
from stages.training.batches import Video

Inputs = Literal["both", "query", "answer"]

_AGAIN = "run the embed stage again (`dvc repro`)"


def read(
    path: Path, annotations: Annotations, inputs: Inputs, protocol: Protocol, number: int
) -> list[Video]:
    """Every annotated video with its embeddings, in the annotations' order.

    Args:
        path: the embed stage's file; see `stages.artifacts.embeddings`.
        annotations: bring gtscore and picks.
        inputs: "both" takes the elementwise maximum of query and answer.
        protocol, number: the split whose embeddings are wanted, where they differ by split.

    Raises:
        UserError: the file is missing or unreadable, lacks a video, was made from other frames,
            or holds a number that is not finite.
    """
    try:
        with h5py.File(path) as file:
            videos = []
            for annotated in annotations.videos:
                where = f"{path}: {annotated.name}"
                place = readings.place(file, annotated.name, protocol, number)
                if place not in file:
                    raise UserError(f"{where} is missing, but is annotated; {_AGAIN}")
                group = file[place]
                picks_T = np.asarray(group["picks"])
                if not np.array_equal(picks_T, annotated.picks_T):
                    raise UserError(
                        f"{where} was made from {len(picks_T)} frames, and the annotations pick "
                        f"{len(annotated.picks_T)}, not the same ones; {_AGAIN}"
                    )
                x_TD = _chosen(group, inputs)
                if x_TD.ndim != 2 or len(x_TD) != len(picks_T) or not np.isfinite(x_TD).all():
                    raise UserError(
                        f"{where}: expected finite numbers of shape ({len(picks_T)}, D), found "
                        f"{x_TD.shape}{'' if np.isfinite(x_TD).all() else ' with NaN'}; {_AGAIN}"
                    )
                videos.append(
                    Video(
                        annotated.name,
                        torch.from_numpy(x_TD),
                        torch.from_numpy(annotated.gtscore_T.astype(np.float32)),
                    )
                )
    except (OSError, KeyError) as error:
        raise UserError(f"{path}: cannot be read as embeddings ({error}); {_AGAIN}") from error
    return videos


class BySplit:
    """The annotated videos as each split is to see them, read when asked for.

    One set of videos is kept: the last split's, or the only one where splits do not differ.
    """

    def __init__(self, path: Path, annotations: Annotations, inputs: Inputs) -> None:
        """Raises UserError where the file cannot be read."""
        try:
            with h5py.File(path) as file:
                self._differ = readings.SPLITS in file
        except OSError as error:
            raise UserError(f"{path}: cannot be read as embeddings ({error}); {_AGAIN}") from error
        self._read = partial(read, path, annotations, inputs)
        self._split: tuple[Protocol, int] | None = None
        self._videos: dict[str, Video] = {}

    def __call__(self, protocol: Protocol, number: int) -> dict[str, Video]:
        """The videos by name. Raises UserError as `read`."""
        split = (protocol, number)
        if self._split is None or (self._differ and split != self._split):
            self._videos = {video.name: video for video in self._read(*split)}
            self._split = split
        return self._videos


def _chosen(group: Any, inputs: Inputs) -> npt.NDArray[np.float32]:
    if inputs != "both":
        return np.asarray(group[inputs], dtype=np.float32)
    query_TD = np.asarray(group["query"], dtype=np.float32)
    answer_TD = np.asarray(group["answer"], dtype=np.float32)
    return np.maximum(query_TD, answer_TD)

"""The embed stage's file: what the LLM made of every frame.

Shapes: T sampled frames, W width of an embedding.

A video is a group: query (T, W), answer (T, W), score (T,), NaN where the reply holds none,
reply (T,), picks (T,). Where examples are drawn from training videos, what the LLM makes of a
video differs by split: then ``splits/PROTOCOL/NUMBER`` holds a group a video too, and the video's
own group at the top is that of the first split that tests it.
"""

from collections.abc import Sequence

import h5py
import numpy as np
import numpy.typing as npt

SPLITS = "splits"


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

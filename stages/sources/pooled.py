"""The authors' embeddings: one file of query states, one of answer states, pooled over tokens.

The release reads `user_prompt_pool.h5` and `gen_pool.h5`, which hold an array a video: (T, k, D),
the states of k groups of tokens, or (T, D). TVSum's are named `video_N`, SumMe's by the file with
spaces as underscores.

Shapes: T sampled frames, k groups of tokens, D embedding width.
"""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
import torch

from stages.artifacts.field import Annotations, VideoAnnotations
from stages.errors import UserError
from stages.training.batches import Video

Floats = npt.NDArray[np.float32]


def read(query: Path, answer: Path, annotations: Annotations) -> list[Video]:
    """Every annotated video, in the annotations' order: the maximum over k, query and answer.

    Raises UserError saying what was expected and found: a file that is missing or holds no
    arrays, a video that is missing, another number of frames than picks, widths that differ,
    or a number that is not finite.
    """
    queries, answers = (states(path, annotations) for path in (query, answer))
    videos: list[Video] = []
    for video, query_TD, answer_TD in zip(annotations.videos, queries, answers, strict=True):
        width = videos[0].x_TD.shape[1] if videos else query_TD.shape[1]
        if not query_TD.shape[1] == answer_TD.shape[1] == width:
            raise UserError(
                f"{video.name}: states are {query_TD.shape[1]} wide in {query} and "
                f"{answer_TD.shape[1]} in {answer}; expected {width} everywhere"
            )
        x_TD = torch.from_numpy(np.maximum(query_TD, answer_TD))
        videos.append(Video(video.name, x_TD, torch.from_numpy(video.gtscore_T)))
    return videos


def states(path: Path, annotations: Annotations) -> list[Floats]:
    """One file's states (T, D) of every annotated video. Raises UserError as `read` does."""
    if not path.is_file():
        raise UserError(f"{path}: no such file; fetch the release's embeddings from its page")
    try:
        with h5py.File(path) as file:
            return [_states(path, file, video) for video in annotations.videos]
    except OSError as error:
        raise UserError(f"{path} is not a readable HDF5 file ({error}); fetch it again") from error


def _states(path: Path, file: Any, video: VideoAnnotations) -> Floats:
    """One video's states (T, D)."""
    names = (video.name, video.video_name.replace(" ", "_"), video.video_name)
    name = next((name for name in dict.fromkeys(names) if name in file), None)
    if name is None:
        raise UserError(
            f"{path}: expected {' or '.join(dict.fromkeys(names))}, found "
            f"{', '.join(list(file)[:4]) or 'nothing'}{' …' if len(file) > 4 else ''}; are the "
            "annotations of the same dataset?"
        )
    where, steps = f"{path}: {name}", len(video.picks_T)
    if not isinstance(file[name], h5py.Dataset):
        raise UserError(f"{where}: expected an array, found a group of {', '.join(file[name])}")
    states = file[name]
    if states.ndim not in (2, 3) or 0 in states.shape or states.dtype.kind != "f":
        raise UserError(
            f"{where}: expected numbers (frames, groups of tokens, width), found "
            f"{states.dtype} {states.shape}"
        )
    if len(states) != steps:
        raise UserError(f"{where}: states of {len(states)} frames; the annotations pick {steps}")
    states_TD = np.asarray(states, dtype=np.float32)
    if states_TD.ndim == 3:
        states_TD = states_TD.max(axis=1)
    if not np.isfinite(states_TD).all():
        raise UserError(f"{where}: holds NaN or infinity; fetch the file again")
    return states_TD

"""The field's own HDF5 schema, `eccv16_dataset_*`: read as it is, and ours written in it.

Shapes: T sampled frames, S shots.

Zhang et al. 2016, carried on by vsLSTM, DSNet, PGL-SUM, CSTA: one group a video, `video_1` and so
on, with `video_name`, `n_frames`, `n_steps`, `picks`, `gtscore`, `user_summary`, `change_points`,
`n_frame_per_seg`. `user_scores`, which some of its copies have beside, is read and written too.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from stages.artifacts.hdf5 import Group, groups, reading, writing
from stages.artifacts.names import natural
from stages.artifacts.people import People, judgement
from stages.artifacts.shots import lengths_of
from stages.artifacts.timeline import Timeline, picks_of
from stages.artifacts.video import FIELD_FPS, Video
from stages.errors import UserError


class Annotated(NamedTuple):
    """What one file of the field holds: the videos, and what people said of them."""

    timeline: Timeline
    people: People


def write(path: Path, annotated: Annotated) -> None:
    """Write a dataset in the field's schema, whole or not at all; the same gives the same bytes."""
    timeline, people = annotated
    with writing(path) as file:
        file.attrs["dataset"] = timeline.dataset
        file.attrs["simulated"] = people.simulated
        for video in sorted(timeline.videos, key=lambda video: natural(video.name)):
            judged = people.by_name[video.name]
            group = file.create_group(video.name)
            group["video_name"] = video.title
            group["n_frames"] = video.n_frames
            group["n_steps"] = len(video.picks_T)
            group["picks"] = video.picks_T.astype(np.int64)
            group["gtscore"] = judged.gtscore_T.astype(np.float32)
            if video.shots_S2 is not None:
                group["change_points"] = video.shots_S2.astype(np.int64)
                group["n_frame_per_seg"] = lengths_of(video.shots_S2).astype(np.int64)
            for key in ("user_summary", "user_scores"):
                data_UN = getattr(judged, f"{key}_UN")
                if data_UN is not None:
                    group.create_dataset(key, data=data_UN.astype(np.float32), compression="gzip")


def read(path: Path) -> Annotated:
    """Read and check a file in the field's schema.

    Raises UserError naming the file, the group and the key of whatever is missing, misshapen or
    in disagreement with the rest.
    """
    with reading(path, "name another file, or fetch it anew") as file:
        pairs = []
        for group in groups(path, file):
            video = _video(group)
            pairs.append((video, judgement(group, video.n_frames, len(video.picks_T))))
        name = str(file.attrs.get("dataset", path.stem))
        simulated = bool(file.attrs.get("simulated", False))
    return Annotated(
        Timeline(name, tuple(video for video, _ in pairs)),
        People(name, simulated, tuple(judged for _, judged in pairs)),
    )


def _video(group: Group) -> Video:
    n_frames = group.count("n_frames")
    if n_frames < 1:
        raise group.wrong("n_frames", f"must be at least 1, is {n_frames}")
    picks_T = picks_of(group, n_frames)
    if "n_steps" in group and group.count("n_steps") != len(picks_T):
        raise group.wrong("n_steps", f"is {group.count('n_steps')} for {len(picks_T)} picks")
    video = Video(group.name, _title(group), n_frames, FIELD_FPS, picks_T, picks_T / FIELD_FPS)
    if "change_points" not in group:
        return video
    shots = group.numbers("change_points", (None, 2))
    try:
        return video.with_shots(shots, "annotations")
    except UserError as error:
        raise group.wrong("change_points", str(error)) from error


def _title(group: Group) -> str:
    """`video_name`, or the group's own: the field's TVSum file has no such key, others leave it
    empty.
    """
    if "video_name" not in group or not group.dataset("video_name").size:
        return group.name
    return group.text("video_name").strip() or group.name

import dataclasses
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from stages.artifacts import field
from stages.artifacts.field import Annotated
from stages.artifacts.names import natural
from stages.artifacts.people import Judgement, People
from stages.artifacts.timeline import Timeline
from stages.artifacts.video import Video
from stages.errors import UserError

RANDOM = np.random.default_rng(0)
VIDEO = Video.sampled("video_1", "clip", 40)
JUDGED = Judgement(
    "video_1",
    np.array([0, 0.5, 1], dtype=np.float32),
    RANDOM.integers(0, 2, (3, 40)).astype(np.float32),
    RANDOM.integers(1, 6, (3, 40)).astype(np.float32),
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "eccv16.h5"
    video = VIDEO.with_shots([[0, 9], [10, 39]], "annotations")
    field.write(path, Annotated(Timeline("toy", (video,)), People("toy", True, (JUDGED,))))
    return path


def test_what_is_written_is_read(file: Path) -> None:
    timeline, people = field.read(file)
    assert (timeline.dataset, people.dataset, people.simulated) == ("toy", "toy", True)
    (video,), (judged,) = timeline.videos, people.videos
    assert (video.name, video.title, video.n_frames) == ("video_1", "clip", 40)
    np.testing.assert_array_equal(video.picks_T, VIDEO.picks_T)
    for key in ("gtscore_T", "user_summary_UN", "user_scores_UN"):
        np.testing.assert_array_equal(getattr(judged, key), getattr(JUDGED, key))
    np.testing.assert_array_equal(video.shots_S2, [[0, 9], [10, 39]])
    assert video.shots_from == "annotations"


def test_the_file_is_in_the_schema_of_the_field(file: Path) -> None:
    with h5py.File(file) as opened:
        group = opened["video_1"]
        assert group["video_name"].asstr()[()] == "clip"
        assert group["n_steps"][()] == 3
        np.testing.assert_array_equal(group["n_frame_per_seg"], [10, 30])
        assert group["user_summary"].dtype == group["gtscore"].dtype == np.float32
        assert group["picks"].dtype == group["change_points"].dtype == np.int64


def test_videos_come_in_natural_order(tmp_path: Path) -> None:
    names = ["video_10", "video_9", "video_1", "video_100", "video_2"]
    videos = tuple(dataclasses.replace(VIDEO, name=name) for name in names)
    judged = tuple(dataclasses.replace(JUDGED, name=name) for name in names)
    field.write(tmp_path / "a.h5", Annotated(Timeline("toy", videos), People("toy", False, judged)))
    timeline, people = field.read(tmp_path / "a.h5")
    assert list(timeline.names) == list(people.by_name) == sorted(names, key=natural)
    assert timeline.names[:3] == ("video_1", "video_2", "video_9")


def test_the_same_annotations_give_the_same_bytes(file: Path, tmp_path: Path) -> None:
    time.sleep(1.1)  # a stored time would show: HDF5 keeps them in seconds
    field.write(tmp_path / "again.h5", field.read(file))
    assert (tmp_path / "again.h5").read_bytes() == file.read_bytes()


def test_a_file_from_elsewhere_is_read(tmp_path: Path) -> None:
    """As in the field's own files: name in bytes, 32-bit numbers, features, no user_scores."""
    path = tmp_path / "eccv16_dataset_summe_google_pool5.h5"
    with h5py.File(path, "w") as opened:
        group = opened.create_group("video_1")
        group["video_name"] = np.bytes_("Air_Force_One")
        group["n_frames"] = np.array(60, dtype=np.int64)
        group["n_steps"] = np.array(4)
        group["picks"] = np.arange(0, 60, 15, dtype=np.int32)
        group["features"] = np.zeros((4, 1024), dtype=np.float32)
        group["gtscore"] = np.linspace(0, 1, 4)
        group["gtsummary"] = np.zeros(4, dtype=np.float32)
        group["user_summary"] = np.ones((15, 60))
        group["change_points"] = np.array([[0, 29], [30, 59]], dtype=np.int32)
        group["n_frame_per_seg"] = np.array([30, 30], dtype=np.int32)
        del group["gtsummary"]
        tvsum = opened.create_group("video_2")
        for key in group:
            if key != "video_name":
                opened.copy(group[key], tvsum, name=key)
    timeline, people = field.read(path)
    assert [video.title for video in timeline.videos] == ["Air_Force_One", "video_2"]
    first = people.videos[0]
    assert first.user_scores_UN is None
    assert first.user_summary_UN is not None
    assert not people.simulated


def replaced(key: str, value: Any) -> Callable[[Any], None]:
    def replace(group: Any) -> None:
        del group[key]
        if value is not None:
            group[key] = value

    return replace


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("picks", None, "is missing (the group has"),
        ("gtscore", None, "is missing"),
        ("n_frames", None, "is missing"),
        ("n_frames", 41, "its shots end at frame 39, the video at 40"),
        ("n_frames", 0, "at least 1"),
        ("n_frames", [40, 40], "one whole number"),
        ("n_frames", 40.5, "one whole number"),
        ("n_steps", 4, "is 4 for 3 picks"),
        ("picks", [0, 15, 40], "must rise inside 0 to 39"),
        ("picks", [0, 15, 15], "must rise"),
        ("gtscore", [0.1, 0.2], "must be 3 in shape, is (2,)"),
        ("gtscore", [0.1, np.nan, 0.2], "NaN"),
        ("gtscore", [0.1, 2, 0.2], "must lie in 0 to 1, goes 0.1 to 2"),
        ("gtscore", ["a", "b", "c"], "must hold numbers"),
        ("user_summary", np.zeros((3, 39)), "covers 39 frames, but n_frames says 40"),
        ("user_summary", np.zeros(40), "must be any × 40 in shape"),
        ("user_summary", np.full((3, 40), 0.5), "must be 0 or 1"),
        ("user_scores", np.zeros((0, 40)), "must be any × 40 in shape"),
        ("change_points", [[0, 9], [5, 39]], "shot 2 is [5, 39] where 10 should begin it"),
        ("change_points", [[0, 9], [10, 40]], "end at frame 40, the video at 39"),
        ("change_points", [0, 9], "must be any × 2"),
        ("video_name", ["a", "b"], "must be one text"),
    ],
)
def test_what_is_wrong_is_named_by_file_group_and_key(
    file: Path, key: str, value: Any, said: str
) -> None:
    with h5py.File(file, "a") as opened:
        replaced(key, value)(opened["video_1"])
    with pytest.raises(UserError, match=re.escape(said)) as error:
        field.read(file)
    assert str(error.value).startswith(f"{file}: video_1/")


def test_people_must_have_said_something(file: Path) -> None:
    with h5py.File(file, "a") as opened:
        del opened["video_1/user_summary"], opened["video_1/user_scores"]
    with pytest.raises(UserError, match="video_1/user_summary: is missing, and so is user_scores"):
        field.read(file)


def test_shots_may_be_missing(file: Path) -> None:
    with h5py.File(file, "a") as opened:
        del opened["video_1/change_points"], opened["video_1/n_frame_per_seg"]
    assert field.read(file).timeline.videos[0].shots_S2 is None


def test_what_is_not_hdf5_is_named(tmp_path: Path) -> None:
    page = tmp_path / "page.h5"
    page.write_text("<html>404</html>")
    with pytest.raises(UserError, match=r"page\.h5 is not a readable HDF5 file"):
        field.read(page)
    with pytest.raises(UserError, match=r"nowhere\.h5 not found"):
        field.read(tmp_path / "nowhere.h5")
    h5py.File(tmp_path / "empty.h5", "w").close()
    with pytest.raises(UserError, match="holds no group of a video"):
        field.read(tmp_path / "empty.h5")

"""The timeline: what is written is read, and what does not fit it is refused."""

import pickle
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from stages.artifacts import people, timeline
from stages.artifacts.people import Judgement, People
from stages.artifacts.shots import covering
from stages.artifacts.timeline import Timeline, same_picks
from stages.artifacts.video import Video
from stages.errors import UserError

SHOT = Video.sampled("video_2", "Bike Polo", 40, 25.0).with_shots([[0, 9], [10, 39]], "field")
BARE = Video.sampled("video_10", "Jumps", 31)
TIMELINE = Timeline("toy", (SHOT, BARE))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "timeline.h5"
    timeline.write(path, Timeline("toy", (BARE, SHOT)))
    return path


def test_what_is_written_is_read_in_natural_order(file: Path) -> None:
    found = timeline.read(file)
    assert (found.dataset, found.names) == ("toy", ("video_2", "video_10"))
    for video, written in zip(found.videos, TIMELINE.videos, strict=True):
        for key in ("name", "title", "n_frames", "fps", "shots_from"):
            assert getattr(video, key) == getattr(written, key)
        for key in ("picks_T", "times_T", "shots_S2"):
            np.testing.assert_array_equal(getattr(video, key), getattr(written, key))
    np.testing.assert_allclose(found.videos[0].times_T, [0, 0.6, 1.2])


def test_the_same_timeline_gives_the_same_bytes(file: Path, tmp_path: Path) -> None:
    timeline.write(tmp_path / "again.h5", timeline.read(file))
    assert (tmp_path / "again.h5").read_bytes() == file.read_bytes()


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("picks", [0, 15, 40], "must rise inside 0 to 39"),
        ("n_frames", 0, "at least 1"),
        ("title", None, "is missing"),
        ("title", b"caf\xe9", "is not UTF-8 text"),
        ("title", 3.5, "must be one text"),
        ("times", [0.0, 1.0], "must be 3 in shape"),
        ("times", [0.0, 1.0, 0.5], "must not fall"),
        ("fps", 0.0, "must be frames a second, more than 0; is 0"),
        ("fps", [25.0, 25.0], "in shape"),
        ("fps", float("nan"), "NaN"),
        ("shots", [[0, 9], [11, 39]], "shot 2 is [11, 39] where 10 should begin it"),
        ("shots", [[0, 9], [10, 38]], "end at frame 38, the video at 39"),
    ],
)
def test_what_is_wrong_is_named(file: Path, key: str, value: Any, said: str) -> None:
    with h5py.File(file, "a") as opened:
        del opened["video_2"][key]
        if value is not None:
            opened["video_2"][key] = value
    with pytest.raises(UserError, match=re.escape(said)) as error:
        timeline.read(file)
    assert str(error.value).startswith(f"{file}: video_2")


def test_shots_lie_on_whole_frames_and_cover_the_video() -> None:
    for shots, said in (
        ([0, 39], "rows of"),
        ([[0, 39.5]], "whole frames"),
        ([[5, 39]], "0 should begin it"),
        ([[0, 9], [10, 5]], "shot 2"),
    ):
        with pytest.raises(UserError, match=said):
            covering("video_1", shots, 40)


def test_shots_that_nobody_knows_are_missed_with_the_remedy() -> None:
    assert SHOT.known_shots() is SHOT.shots_S2
    with pytest.raises(UserError, match=r"video_10 \(Jumps\): .*download\.h5"):
        BARE.known_shots()


def test_at_a_constant_rate_seconds_are_frames_by_the_rate_to_the_last_bit() -> None:
    video = Video.sampled("video_1", "a", 1000, 30000 / 1001)
    np.testing.assert_array_equal(video.seconds_at(range(1001)), np.arange(1001) / video.fps)
    for second in (0.0, 1.0, 7.3, video.seconds):
        assert video.frame_at(second) == pytest.approx(second * video.fps)


def test_between_picks_of_a_varying_rate_time_goes_at_an_even_pace() -> None:
    times_T = np.array([0, 0.5, 3.5])
    video = replace(Video.sampled("video_1", "a", 40, 10.0), times_T=times_T)
    frames = np.array([0, 7.5, 15, 20, 30, 35, 40])
    seconds = np.array([0, 0.25, 0.5, 1.5, 3.5, 3.75, 4])
    np.testing.assert_allclose(video.seconds_at(frames), seconds, atol=1e-12)
    np.testing.assert_allclose([video.frame_at(second) for second in seconds], frames)


def test_other_picks_are_named_with_both_counts() -> None:
    same_picks(SHOT, [0, 15, 30], "a.json")
    with pytest.raises(
        UserError, match=r"a\.json: video_2 \(Bike Polo\) is given for 2 .* picks 3"
    ):
        same_picks(SHOT, [0, 15], "a.json")
    with pytest.raises(UserError, match="number 2 is frame 16, not 15"):
        same_picks(SHOT, [0, 16, 30], "a.json")


def test_people_are_apart_and_of_the_same_videos(tmp_path: Path) -> None:
    judged = tuple(
        Judgement(video.name, np.full(3, 0.5, np.float32), np.ones((2, video.n_frames), np.float32))
        for video in TIMELINE.videos
    )
    path = tmp_path / "people.h5"
    people.write(path, People("toy", True, judged))
    read = people.read(path, TIMELINE)
    assert (read.simulated, list(read.by_name)) == (True, ["video_2", "video_10"])
    assert read.videos[1].user_summary_UN.shape == (2, 31)
    with pytest.raises(UserError, match="video_10 is not on the timeline"):
        people.read(path, Timeline("toy", (SHOT,)))
    people.write(path, People("toy", True, judged[:1]))
    with pytest.raises(UserError, match="lacks video_10"):
        people.read(path, TIMELINE)


def test_a_video_that_ends_early_loses_its_later_picks_and_shots() -> None:
    shots = [[0, 9], [10, 30], [31, 37], [38, 39]]
    video = Video.sampled("video_1", "a", 40, 10.0).with_shots(shots, "field")
    ended = video.ending_at(31)
    np.testing.assert_array_equal(ended.picks_T, [0, 15, 30])
    np.testing.assert_array_equal(ended.known_shots(), [[0, 9], [10, 30]])
    assert (ended.n_frames, ended.seconds, ended.cut) == (31, 3.1, (9, 0))
    again = ended.ending_at(30)
    np.testing.assert_array_equal(again.times_T, [0, 1.5])
    np.testing.assert_array_equal(again.known_shots(), [[0, 9], [10, 29]])
    assert again.cut == (10, 1)
    with pytest.raises(UserError, match=r"video_1 \(a\): no pick is before frame 0"):
        video.ending_at(0)


def test_people_are_read_as_far_as_the_timeline_goes(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    said_UN = (random.random((2, 31)) < 0.5).astype(np.float32)
    judged = Judgement("video_10", np.array([0.1, 0.2, 0.3], np.float32), said_UN, said_UN + 1)
    people.write(tmp_path / "people.h5", People("toy", False, (judged,)))
    timeline.write(tmp_path / "timeline.h5", Timeline("toy", (BARE.ending_at(29),)))
    spine = timeline.read(tmp_path / "timeline.h5")
    assert spine.videos[0].cut == (2, 1)
    (read,) = people.read(tmp_path / "people.h5", spine).videos
    np.testing.assert_array_equal(read.gtscore_T, judged.gtscore_T[:2])
    np.testing.assert_array_equal(read.user_summary_UN, said_UN[:, :29])
    np.testing.assert_array_equal(read.user_scores_UN, said_UN[:, :29] + 1)
    # Another number of frames than was annotated is refused all the same.
    shorter = Timeline("toy", (replace(BARE, n_frames=30),))
    with pytest.raises(UserError, match=r"covers 31 frames, but n_frames says 30"):
        _ = people.read(tmp_path / "people.h5", shorter).videos[0]


def test_a_timeline_comes_to_another_process_as_it_is() -> None:
    marked = replace(SHOT, part="test").ending_at(20)
    found = pickle.loads(pickle.dumps(Timeline("toy", (marked, BARE))))
    assert (found.dataset, found.names, found.parts) == (
        "toy",
        ("video_2", "video_10"),
        {"video_2": "test"},
    )
    for video, sent in zip(found.videos, (marked, BARE), strict=True):
        for key in ("title", "n_frames", "fps", "shots_from", "cut"):
            assert getattr(video, key) == getattr(sent, key)
        for key in ("picks_T", "times_T", "shots_S2"):
            np.testing.assert_array_equal(getattr(video, key), getattr(sent, key))
    assert found.by_name["video_10"].shots_S2 is None
    assert list(pickle.loads(pickle.dumps(Timeline("none", ()))).videos) == []

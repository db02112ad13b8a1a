"""Features are those of the frames that the timeline picks, or refused."""

import dataclasses
from pathlib import Path

import h5py
import numpy as np
import pytest

from stages.artifacts import features
from stages.artifacts.video import Video
from stages.errors import UserError

VIDEO = Video.sampled("video_1", "clip", 40)
FEATURES_TD = np.random.default_rng(0).normal(size=(3, 6)).astype(np.float32)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "image.h5"
    features.write(path, iter([(VIDEO, FEATURES_TD)]))
    return path


def test_what_is_written_is_read(file: Path) -> None:
    with features.reading(file) as opened:
        found_TD = opened.video(VIDEO)
    assert found_TD.dtype == np.float32
    np.testing.assert_array_equal(found_TD, FEATURES_TD)


def test_features_of_another_video_or_other_frames_are_refused(file: Path) -> None:
    with features.reading(file) as opened:
        with pytest.raises(UserError, match=r"image\.h5: lacks video_2 \(clip\); run the stage"):
            opened.video(dataclasses.replace(VIDEO, name="video_2"))
        others = Video.sampled("video_1", "clip", 40, every=10)
        with pytest.raises(UserError, match=r"video_1 \(clip\) is given for 3 frames .* picks 4"):
            opened.video(others)


@pytest.mark.parametrize(
    ("features_TD", "said"),
    [(FEATURES_TD[:2], "must be 3 × any in shape"), (FEATURES_TD * np.nan, "NaN")],
)
def test_what_is_wrong_is_named(file: Path, features_TD: np.ndarray, said: str) -> None:
    with h5py.File(file, "a") as raw:
        del raw["video_1/features"]
        raw["video_1/features"] = features_TD
    with (
        features.reading(file) as opened,
        pytest.raises(UserError, match=rf"image\.h5: video_1/features: .*{said}"),
    ):
        opened.video(VIDEO)


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(UserError, match=r"no\.h5 not found; run the stage"),
        features.reading(tmp_path / "no.h5"),
    ):
        pass


def test_a_stage_without_work_says_so_in_its_file(tmp_path: Path, file: Path) -> None:
    features.write_left_out(tmp_path / "sentence.h5", "no row is fed it")
    assert features.left_out(tmp_path / "sentence.h5") == "no row is fed it"
    assert features.left_out(file) is None
    with (
        pytest.raises(UserError, match=r"sentence\.h5: holds no features: no row is fed it"),
        features.reading(tmp_path / "sentence.h5"),
    ):
        pass

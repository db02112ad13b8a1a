import dataclasses
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image

from stages.artifacts import frames
from stages.artifacts.frames import Sampled
from stages.errors import UserError
from stages.media.sampling import to_jpeg


def sampled(name: str, count: int) -> Sampled:
    images = [Image.new("RGB", (32, 24), (40 * number, 0, 99)) for number in range(count)]
    return Sampled(name, np.arange(count) * 15, tuple(to_jpeg(image, 90) for image in images))


VIDEOS = [sampled("video_10", 3), sampled("video_2", 1)]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "frames.h5"
    frames.write(path, iter(VIDEOS))
    return path


def test_what_is_written_is_read_in_natural_order(file: Path) -> None:
    with frames.reading(file) as videos:
        assert [video.name for video in videos] == ["video_2", "video_10"]
        for video, written in zip(videos, VIDEOS[::-1], strict=True):
            assert len(video) == len(written.jpegs)
            assert tuple(video.jpegs()) == written.jpegs
            np.testing.assert_array_equal(video.picks(), written.picks_T)


def test_a_frame_is_decoded_when_asked_for(file: Path) -> None:
    with frames.reading(file) as videos:
        image = videos[1].image(2)
    assert image.shape == (24, 32, 3)
    assert np.abs(image[0, 0].astype(int) - [80, 0, 99]).max() < 4


def test_the_schema_is_what_other_stages_expect(file: Path) -> None:
    with h5py.File(file) as opened:
        assert set(opened["video_10"]) == {"jpeg", "picks"}
        assert opened["video_10/picks"].dtype == np.int64


def test_the_same_videos_give_the_same_bytes(file: Path, tmp_path: Path) -> None:
    frames.write(tmp_path / "again.h5", VIDEOS)
    assert (tmp_path / "again.h5").read_bytes() == file.read_bytes()


def test_a_failure_half_way_leaves_the_earlier_file(file: Path) -> None:
    before = file.read_bytes()

    def videos() -> Iterator[Sampled]:
        yield dataclasses.replace(VIDEOS[0], name="video_3")
        raise UserError("a broken video")

    with pytest.raises(UserError, match="a broken video"):
        frames.write(file, videos())
    assert file.read_bytes() == before
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize("key", ["jpeg", "picks"])
def test_a_file_of_another_kind_is_named(file: Path, key: str) -> None:
    with h5py.File(file, "a") as opened:
        del opened[f"video_2/{key}"]
    with (
        pytest.raises(UserError, match=rf"frames\.h5: video_2/{key}: is missing .*sample stage"),
        frames.reading(file) as videos,
    ):
        _ = videos.by_name["video_2"]


def test_fewer_frames_than_picks_are_named(file: Path) -> None:
    with h5py.File(file, "a") as opened:
        del opened["video_2/picks"]
        opened["video_2/picks"] = [0, 15]
    with (
        pytest.raises(UserError, match=r"frames\.h5: video_2/jpeg: is \(1,\) in shape, .* \(2,\)"),
        frames.reading(file) as videos,
    ):
        _ = videos.by_name["video_2"]


def test_a_file_that_is_missing_or_not_hdf5_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="run the sample stage"), frames.reading(tmp_path / "no.h5"):
        pass
    (tmp_path / "text.h5").write_text("text")
    with (
        pytest.raises(UserError, match=r"text\.h5 is not a readable HDF5"),
        frames.reading(tmp_path / "text.h5"),
    ):
        pass

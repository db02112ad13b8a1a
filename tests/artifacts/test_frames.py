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
    random = np.random.default_rng(count)
    shots_S2 = np.array([[0, 3], [4, 15 * count - 1]])
    images = [Image.new("RGB", (32, 24), (40 * number, 0, 99)) for number in range(count)]
    return Sampled(
        name=name,
        video_name=f"name of {name}",
        n_frames=15 * count,
        fps=29.97,
        jpegs=tuple(to_jpeg(image, 90) for image in images),
        picks_T=np.arange(count) * 15,
        features_TD=random.normal(size=(count, 6)).astype(np.float32),
        change_points_S2=shots_S2,
        change_points_from="kts",
    )


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
            for key in ("video_name", "n_frames", "fps", "change_points_from"):
                assert getattr(video, key) == getattr(written, key)
            assert len(video) == len(written.jpegs)
            assert tuple(video.jpegs()) == written.jpegs
            np.testing.assert_array_equal(video.picks(), written.picks_T)
            np.testing.assert_array_equal(video.features(), written.features_TD)
            np.testing.assert_array_equal(video.change_points(), written.change_points_S2)


def test_a_frame_is_decoded_when_asked_for(file: Path) -> None:
    with frames.reading(file) as videos:
        image = videos[1].image(2)
    assert image.shape == (24, 32, 3)
    assert np.abs(image[0, 0].astype(int) - [80, 0, 99]).max() < 4


def test_the_schema_is_what_other_stages_expect(file: Path) -> None:
    with h5py.File(file) as opened:
        group = opened["video_10"]
        assert set(group) == {"jpeg", "picks", "features", "change_points", "n_frame_per_seg"}
        np.testing.assert_array_equal(group["n_frame_per_seg"], [4, 41])
        assert group["features"].dtype == np.float32


def test_the_same_videos_give_the_same_bytes(file: Path, tmp_path: Path) -> None:
    frames.write(tmp_path / "again.h5", VIDEOS)
    assert (tmp_path / "again.h5").read_bytes() == file.read_bytes()


def test_a_failure_half_way_leaves_the_earlier_file(file: Path) -> None:
    before = file.read_bytes()

    def videos() -> Iterator[Sampled]:
        yield dataclasses.replace(VIDEOS[0], fps=1.0)
        raise UserError("a broken video")

    with pytest.raises(UserError, match="a broken video"):
        frames.write(file, videos())
    assert file.read_bytes() == before
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize("key", ["jpeg", "picks", "features", "change_points"])
def test_a_file_of_another_kind_is_named(file: Path, key: str) -> None:
    with h5py.File(file, "a") as opened:
        del opened[f"video_2/{key}"]
    with (
        pytest.raises(UserError, match=r"frames\.h5: video_2 is not what the sample stage writes"),
        frames.reading(file),
    ):
        pass


def test_a_file_that_is_missing_or_not_hdf5_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="run the sample stage"), frames.reading(tmp_path / "no.h5"):
        pass
    (tmp_path / "text.h5").write_text("text")
    with (
        pytest.raises(UserError, match=r"text\.h5 is not a readable HDF5"),
        frames.reading(tmp_path / "text.h5"),
    ):
        pass

"""Given scores: a row each, of every video, as many as frames are picked."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from stages.artifacts import scores
from stages.artifacts.timeline import Timeline
from stages.artifacts.video import Video
from stages.errors import UserError

TIMELINE = Timeline("toy", tuple(Video.sampled(f"video_{n}", f"film {n}", 40) for n in (1, 2)))
ROWS = {
    row: {f"video_{n}": np.arange(3) / n + bias for n in (2, 1)}
    for row, bias in (("b", 1), ("a", 0))
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "scores.h5"
    scores.write(path, ROWS)
    return path


def test_what_is_written_is_read_in_the_order_of_the_rows(file: Path, tmp_path: Path) -> None:
    found = scores.read(file, TIMELINE)
    assert list(found) == ["b", "a"]
    for row, videos in found.items():
        assert list(videos) == ["video_1", "video_2"]
        for name, scores_T in videos.items():
            np.testing.assert_array_equal(scores_T, ROWS[row][name])
    scores.write(tmp_path / "again.h5", ROWS)
    assert (tmp_path / "again.h5").read_bytes() == file.read_bytes()


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "is missing"),
        ([1.0, 2.0], r"must be 3 in shape, is \(2,\)"),
        ([1.0, np.nan, 2.0], "NaN"),
    ],
)
def test_what_is_wrong_is_named(file: Path, value: list[float] | None, said: str) -> None:
    with h5py.File(file, "a") as opened:
        del opened["a/video_2"]
        if value is not None:
            opened["a/video_2"] = value
    with pytest.raises(UserError, match=rf"scores\.h5: a/video_2: .*{said}.*stage that makes it"):
        scores.read(file, TIMELINE)


def test_an_empty_or_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.h5 not found; run the stage that makes it"):
        scores.read(tmp_path / "none.h5", TIMELINE)
    scores.write(tmp_path / "empty.h5", {})
    with pytest.raises(UserError, match="holds no row of scores"):
        scores.read(tmp_path / "empty.h5", TIMELINE)

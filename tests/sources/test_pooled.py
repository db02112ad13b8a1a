"""The authors' embedding files: which video is which, what is pooled, and what is refused."""

from collections.abc import Mapping
from pathlib import Path

import h5py
import numpy as np
import pytest

from stages.artifacts.timeline import Timeline
from stages.artifacts.video import Video
from stages.errors import UserError
from stages.sources import pooled

W = 6


def timeline(**titles: str) -> Timeline:
    """Videos of 60 frames, 4 of them sampled; names as video_1="Bike Polo"."""
    return Timeline("any", tuple(Video.sampled(*each, 60) for each in titles.items()))


def states(path: Path, arrays: Mapping[str, np.ndarray]) -> Path:
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            file[name] = array
    return path


def drawn(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def test_groups_of_tokens_are_pooled_by_their_maximum(tmp_path: Path) -> None:
    query_TkW, answer_TkW = drawn(0, 4, 3, W), drawn(1, 4, 2, W)
    query = states(tmp_path / "q.h5", {"video_1": query_TkW})
    answer = states(tmp_path / "a.h5", {"video_1": answer_TkW})
    ((video, query_TW, answer_TW),) = pooled.read(query, answer, timeline(video_1="abc"))
    assert video.name == "video_1"
    for frame in range(4):
        for unit in range(W):
            assert query_TW[frame, unit] == max(query_TkW[frame, :, unit])
            assert answer_TW[frame, unit] == max(answer_TkW[frame, :, unit])


def test_summes_videos_are_named_by_their_files(tmp_path: Path) -> None:
    arrays = {"Bike_Polo": drawn(0, 4, 1, W), "Jumps": drawn(1, 4, W)}
    path = states(tmp_path / "q.h5", arrays)
    found = list(pooled.read(path, path, timeline(video_4="Bike Polo", video_12="Jumps")))
    assert [each.video.name for each in found] == ["video_4", "video_12"]
    np.testing.assert_array_equal(found[0].query_TW, arrays["Bike_Polo"][:, 0])
    np.testing.assert_array_equal(found[1].answer_TW, arrays["Jumps"])


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (
            {"video_2": drawn(0, 4, 1, W)},
            "holds states of video_2; none is a video of any .video_1 Bike Polo.",
        ),
        ({"video_1": drawn(0, 5, 1, W)}, "states of 5 frames; the timeline picks 4 of 60"),
        ({"video_1": drawn(0, 4)}, r"frames, groups of tokens, width\), found float32 \(4,\)"),
        ({"video_1": np.full((4, 1, W), np.nan)}, "NaN"),
        ({"video_1/deeper": drawn(0, 4, 1, W)}, "expected an array, found a group of deeper"),
        ({"video_1": drawn(0, 4, 1, W + 1)}, f"{W + 1} wide .* and {W} in"),
        ({"video_1": np.ones((4, 1, W), "S3")}, r"found \|S3"),
    ],
)
def test_what_is_wrong_is_said_with_the_file(
    tmp_path: Path, arrays: Mapping[str, np.ndarray], message: str
) -> None:
    good = states(tmp_path / "good.h5", {"video_1": drawn(0, 4, 1, W)})
    wrong = states(tmp_path / "wrong.h5", arrays)
    with pytest.raises(UserError, match=message) as caught:
        list(pooled.read(wrong, good, timeline(video_1="Bike Polo")))
    assert "wrong.h5" in str(caught.value)


def test_videos_of_other_widths_are_refused(tmp_path: Path) -> None:
    arrays = {"video_1": drawn(0, 4, 1, W), "video_2": drawn(0, 4, 1, W + 2)}
    path = states(tmp_path / "q.h5", arrays)
    with pytest.raises(UserError, match=f"expected {W} everywhere"):
        list(pooled.read(path, path, timeline(video_1="a", video_2="b")))


def test_a_file_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "page.h5").write_text("<html>")
    good = states(tmp_path / "good.h5", {"video_1": drawn(0, 4, 1, W)})
    with pytest.raises(UserError, match=r"page\.h5 is not a readable HDF5"):
        list(pooled.read(good, tmp_path / "page.h5", timeline(video_1="a")))
    with pytest.raises(UserError, match=r"none\.h5 not found; fetch"):
        list(pooled.read(tmp_path / "none.h5", good, timeline(video_1="a")))

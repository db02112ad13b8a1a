"""The authors' embedding files: which video is which, what is pooled, and what is refused."""

from collections.abc import Mapping
from pathlib import Path

import h5py
import numpy as np
import pytest

from stages.artifacts.field import Annotations, VideoAnnotations
from stages.errors import UserError
from stages.sources import pooled

D = 6


def annotations(**names: str) -> Annotations:
    """Videos of 60 frames, 4 of them sampled; names as video_1="Bike Polo"."""
    videos = tuple(
        VideoAnnotations(
            name,
            video_name,
            60,
            np.arange(0, 60, 15),
            np.linspace(0, 1, 4, dtype=np.float32),
            user_summary_UN=np.ones((2, 60), np.float32),
        )
        for name, video_name in names.items()
    )
    return Annotations("any", False, videos)


def states(path: Path, arrays: Mapping[str, np.ndarray]) -> Path:
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            file[name] = array
    return path


def drawn(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def test_tokens_query_and_answer_are_pooled_by_their_maximum(tmp_path: Path) -> None:
    query_TkD, answer_TkD = drawn(0, 4, 3, D), drawn(1, 4, 2, D)
    query = states(tmp_path / "q.h5", {"video_1": query_TkD})
    answer = states(tmp_path / "a.h5", {"video_1": answer_TkD})
    (video,) = pooled.read(query, answer, annotations(video_1="abc"))
    assert video.name == "video_1"
    for frame in range(4):
        for unit in range(D):
            each = [*query_TkD[frame, :, unit], *answer_TkD[frame, :, unit]]
            assert video.x_TD[frame, unit] == max(each)
    np.testing.assert_allclose(video.gtscore_T, [0, 1 / 3, 2 / 3, 1])


def test_summes_videos_are_named_by_their_files(tmp_path: Path) -> None:
    arrays = {"Bike_Polo": drawn(0, 4, 1, D), "Jumps": drawn(1, 4, D)}
    path = states(tmp_path / "q.h5", arrays)
    found = pooled.read(path, path, annotations(video_4="Bike Polo", video_12="Jumps"))
    assert [video.name for video in found] == ["video_4", "video_12"]
    np.testing.assert_array_equal(found[0].x_TD, arrays["Bike_Polo"][:, 0])
    np.testing.assert_array_equal(found[1].x_TD, arrays["Jumps"])


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"video_2": drawn(0, 4, 1, D)}, "expected video_1 or Bike_Polo or Bike Polo, found vid"),
        ({"video_1": drawn(0, 5, 1, D)}, "states of 5 frames; the annotations pick 4"),
        ({"video_1": drawn(0, 4)}, r"frames, groups of tokens, width\), found float32 \(4,\)"),
        ({"video_1": np.full((4, 1, D), np.nan)}, "NaN"),
        ({"video_1/deeper": drawn(0, 4, 1, D)}, "expected an array, found a group of deeper"),
        ({"video_1": drawn(0, 4, 1, D + 1)}, f"{D + 1} wide .* and {D} in"),
        ({"video_1": np.ones((4, 1, D), "S3")}, r"found \|S3"),
    ],
)
def test_what_is_wrong_is_said_with_the_file(
    tmp_path: Path, arrays: Mapping[str, np.ndarray], message: str
) -> None:
    good = states(tmp_path / "good.h5", {"video_1": drawn(0, 4, 1, D)})
    wrong = states(tmp_path / "wrong.h5", arrays)
    with pytest.raises(UserError, match=message) as caught:
        pooled.read(wrong, good, annotations(video_1="Bike Polo"))
    assert "wrong.h5" in str(caught.value)


def test_videos_of_other_widths_are_refused(tmp_path: Path) -> None:
    arrays = {"video_1": drawn(0, 4, 1, D), "video_2": drawn(0, 4, 1, D + 2)}
    path = states(tmp_path / "q.h5", arrays)
    with pytest.raises(UserError, match=f"expected {D} everywhere"):
        pooled.read(path, path, annotations(video_1="a", video_2="b"))


def test_a_file_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "page.h5").write_text("<html>")
    good = states(tmp_path / "good.h5", {"video_1": drawn(0, 4, 1, D)})
    with pytest.raises(UserError, match=r"page\.h5 is not a readable HDF5"):
        pooled.read(good, tmp_path / "page.h5", annotations(video_1="a"))
    with pytest.raises(UserError, match=r"none\.h5: no such file"):
        pooled.read(tmp_path / "none.h5", good, annotations(video_1="a"))

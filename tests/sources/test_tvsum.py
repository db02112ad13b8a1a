import json
from pathlib import Path

import h5py
import numpy as np
import pytest

from stages.errors import UserError
from stages.sources import tvsum

REAL = Path(__file__).parents[3] / "shared" / "data" / "tvsum"


def matlab(
    path: Path,
    videos: dict[str, np.ndarray],
    announced: int | None = None,
    seconds: float | None = None,
) -> Path:
    """A file laid out as MATLAB 7.3 lays out a struct array: cells of references."""
    with h5py.File(path, "w") as file:
        cells = file.create_group("#refs#")

        def refer(array: np.ndarray) -> h5py.Reference:
            return cells.create_dataset(str(len(cells)), data=array).ref

        def letters(text: str) -> np.ndarray:
            return np.array([[ord(letter)] for letter in text], np.uint16)

        columns: dict[str, list[h5py.Reference]] = {}
        for name, scores_UN in videos.items():
            fields = {
                "video": letters(name),
                "category": letters("VT"),
                "title": letters(f"About {name}"),
                "user_anno": scores_UN.astype(np.float64),
                "nframes": np.array([[announced or scores_UN.shape[1]]], np.float64),
            }
            if seconds is not None:
                fields["length"] = np.array([[seconds]])
            for field, value in fields.items():
                columns.setdefault(field, []).append(refer(value))
        table = file.create_group("tvsum50")
        for field, references in columns.items():
            column = table.create_dataset(field, (len(references), 1), dtype=h5py.ref_dtype)
            column[:, 0] = references
    return path


@pytest.fixture
def scores() -> dict[str, np.ndarray]:
    generator = np.random.default_rng(0)
    return {
        name: generator.integers(1, 6, (20, n)).astype(np.float32)
        for name, n in (("zebra-1", 90), ("-Apple_2", 45))
    }


def test_the_mat_is_read_in_its_own_order(tmp_path: Path, scores: dict[str, np.ndarray]) -> None:
    videos = tvsum.read_mat(matlab(tmp_path / "a.mat", scores))
    assert [video.youtube_id for video in videos] == list(scores)
    assert videos[0].title == "About zebra-1"
    for video in videos:
        np.testing.assert_array_equal(video.user_scores_UN, scores[video.youtube_id])


def test_the_frame_rate_is_that_of_frames_and_length(
    tmp_path: Path, scores: dict[str, np.ndarray]
) -> None:
    videos = tvsum.read_mat(matlab(tmp_path / "a.mat", scores, seconds=3.0))
    assert [video.fps for video in videos] == [30, 15]
    videos = tvsum.read_mat(matlab(tmp_path / "b.mat", scores))
    assert [video.fps for video in videos] == [None, None]


def test_the_tsv_says_the_same(tmp_path: Path, scores: dict[str, np.ndarray]) -> None:
    lines = [
        f"{name}\tVT\t{','.join(str(int(score)) for score in user_N)}\n"
        for name, users_UN in scores.items()
        for user_N in users_UN
    ]
    (tmp_path / "a.tsv").write_text("".join(lines))
    for video, name in zip(tvsum.read_tsv(tmp_path / "a.tsv"), scores, strict=True):
        assert (video.youtube_id, video.category) == (name, "VT")
        np.testing.assert_array_equal(video.user_scores_UN, scores[name])


@pytest.mark.parametrize(
    "line", ["only one field\n", "id\tVT\t1,2,x\n", "id\tVT\t1,2\nid\tVT\t1,2,3\n", "\n"]
)
def test_a_tsv_that_is_wrong_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "a.tsv").write_text(line)
    with pytest.raises(UserError, match=r"a\.tsv"):
        tvsum.read_tsv(tmp_path / "a.tsv")


def test_a_mat_that_is_wrong_is_named(tmp_path: Path, scores: dict[str, np.ndarray]) -> None:
    (tmp_path / "page.mat").write_text("<html>")
    with pytest.raises(UserError, match=r"page\.mat is not TVSum's"):
        tvsum.read_mat(tmp_path / "page.mat")
    with h5py.File(tmp_path / "other.mat", "w") as file:
        file["something"] = 1
    with pytest.raises(UserError, match="tvsum50"):
        tvsum.read_mat(tmp_path / "other.mat")
    with pytest.raises(UserError, match="for 90 frames and says it has 7"):
        tvsum.read_mat(matlab(tmp_path / "b.mat", scores, announced=7))


@pytest.mark.skipif(not REAL.is_dir(), reason="the real annotations are not beside the repository")
def test_the_real_file_is_in_the_order_of_the_field() -> None:
    order = json.loads((REAL / "tvsum_h5_order.json").read_text())
    videos = tvsum.read_mat(REAL / "ydata-tvsum50.mat")
    assert len(videos) == 50
    for number, video in enumerate(videos, 1):
        known = order[f"video_{number}"]
        assert (video.youtube_id, video.n_frames) == (known["youtube_id"], known["n_frames"])
        assert video.user_scores_UN.shape[0] == tvsum.USERS
        assert video.user_scores_UN.min() >= tvsum.LOWEST
        assert video.user_scores_UN.max() <= tvsum.HIGHEST
        assert video.fps is not None
        assert 23.9 < video.fps < 30.1


def test_a_tsv_of_another_text_or_scale_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text("id\tVT\t1,2,3\n", encoding="utf-16")
    with pytest.raises(UserError, match=r"a\.tsv:1"):
        tvsum.read_tsv(path)
    for score in ("nan", "9", "0"):
        path.write_text(f"id\tVT\t1,2,3\nid\tVT\t1,{score},3\n")
        with pytest.raises(UserError, match=r"a\.tsv:2: a score of id is not one of 1 to 5"):
            tvsum.read_tsv(path)

import json
from pathlib import Path

import numpy as np
import pytest
import scipy.io

from stages.errors import UserError
from stages.sources import summe

REAL = Path(__file__).parents[3] / "shared" / "data" / "summe"


def matlab(path: Path, user_score: np.ndarray, announced: int | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    n_frames = announced or len(user_score)
    scipy.io.savemat(path, {"user_score": user_score, "nFrames": n_frames, "FPS": 25})
    return path


def test_a_chosen_segment_counts_whatever_its_number(tmp_path: Path) -> None:
    numbers_NU = np.array([[0, 3], [2, 3], [7, 0]], np.uint8)
    video = summe.read_mat(matlab(tmp_path / "Bike Polo.mat", numbers_NU))
    assert (video.name, video.n_frames, video.fps) == ("Bike Polo", 3, 25)
    np.testing.assert_array_equal(video.user_summary_UN, [[0, 1, 1], [1, 1, 0]])


def test_the_order_is_ascii_capitals_first(tmp_path: Path) -> None:
    for name in ("car", "Zoo", "Air_Force", "Air Force"):
        matlab(tmp_path / f"{name}.mat", np.ones((4, 2), np.uint8))
    names = [video.name for video in summe.read_folder(tmp_path)]
    assert names == ["Air Force", "Air_Force", "Zoo", "car"]


def test_what_is_wrong_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="GT folder"):
        summe.read_folder(tmp_path)
    (tmp_path / "a.mat").write_text("<html>")
    with pytest.raises(UserError, match=r"a\.mat is not a ground truth"):
        summe.read_mat(tmp_path / "a.mat")
    scipy.io.savemat(tmp_path / "b.mat", {"other": 1})
    with pytest.raises(UserError, match="user_score"):
        summe.read_mat(tmp_path / "b.mat")
    with pytest.raises(UserError, match="has 4 frames, nFrames says 5"):
        summe.read_mat(matlab(tmp_path / "c.mat", np.ones((4, 2), np.uint8), announced=5))


@pytest.mark.skipif(not REAL.is_dir(), reason="the real annotations are not beside the repository")
def test_the_real_files_are_in_the_order_of_the_field() -> None:
    order = json.loads((REAL / "summe_h5_order.json").read_text())
    videos = summe.read_folder(REAL)
    assert [video.name for video in videos] == [order[f"video_{n}"] for n in range(1, 26)]
    assert all(15 <= len(video.user_summary_UN) <= 18 for video in videos)
    assert next(video for video in videos if video.name == "Cooking").n_frames == 1286


@pytest.mark.parametrize("compressed", [False, True])
def test_a_damaged_file_is_named(tmp_path: Path, compressed: bool) -> None:
    path, numbers_NU = tmp_path / "a.mat", np.random.default_rng(0).integers(0, 9, (400, 3))
    variables = {"user_score": numbers_NU.astype(np.uint8), "nFrames": 400, "FPS": 25}
    scipy.io.savemat(path, variables, do_compression=compressed)
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 255
    for content in (whole[: len(whole) // 2], bytes(flipped) if compressed else b""):
        path.write_bytes(content)
        with pytest.raises(UserError, match=r"a\.mat is not a ground truth of SumMe"):
            summe.read_mat(path)
    with pytest.raises(UserError, match=r"a\.mat: SumMe's annotations are its folder GT"):
        summe.read_folder(path)

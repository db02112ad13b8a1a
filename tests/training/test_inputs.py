from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from stages.artifacts.field import Annotations, VideoAnnotations
from stages.errors import UserError
from stages.training.inputs import BySplit, Inputs, read

LENGTHS = {"video_1": 4, "video_2": 2}


def annotated() -> Annotations:
    random = np.random.default_rng(0)
    return Annotations(
        dataset="tiny",
        simulated=True,
        videos=tuple(
            VideoAnnotations(
                name=name,
                video_name=name,
                n_frames=15 * length,
                picks_T=np.arange(length) * 15,
                gtscore_T=random.random(length, dtype=np.float32),
            )
            for name, length in LENGTHS.items()
        ),
    )


def write_embeddings(path: Path) -> Path:
    random = np.random.default_rng(1)
    with h5py.File(path, "w") as file:
        for name, length in LENGTHS.items():
            file[f"{name}/query"] = random.normal(size=(length, 6)).astype(np.float32)
            file[f"{name}/answer"] = random.normal(size=(length, 6)).astype(np.float32)
            file[f"{name}/picks"] = np.arange(length) * 15
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_embeddings(tmp_path / "e.h5")


@pytest.mark.parametrize(
    ("inputs", "choose"),
    [
        ("both", np.maximum),
        ("query", lambda query, answer: query),
        ("answer", lambda query, answer: answer),
    ],
)
def test_inputs_choose_among_the_embeddings(
    tmp_path: Path, inputs: Inputs, choose: Callable[..., np.ndarray]
) -> None:
    path = write_embeddings(tmp_path / "e.h5")
    videos = read(path, annotated(), inputs, "strict", 0)
    assert [video.name for video in videos] == [video.name for video in annotated().videos]
    with h5py.File(path) as file:
        for video, truth in zip(videos, annotated().videos, strict=True):
            group = file[video.name]
            expected_TD = choose(group["query"][()], group["answer"][()])
            assert np.array_equal(video.x_TD.numpy(), expected_TD)
            assert np.array_equal(video.gtscore_T.numpy(), truth.gtscore_T)


def _drop(file: h5py.File) -> None:
    del file["video_2"]


def _drop_answer(file: h5py.File) -> None:
    del file["video_2/answer"]


def _other_frames(file: h5py.File) -> None:
    file["video_2/picks"][0] = 7


def _not_a_number(file: h5py.File) -> None:
    file["video_2/query"][0, 0] = np.nan


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (_drop, "video_2 is missing"),
        (_drop_answer, "answer"),
        (_other_frames, "not the same ones"),
        (_not_a_number, "NaN"),
    ],
)
def test_what_does_not_fit_the_annotations_is_named(
    tmp_path: Path, damage: Callable[[h5py.File], None], said: str
) -> None:
    path = write_embeddings(tmp_path / "e.h5")
    with h5py.File(path, "r+") as file:
        damage(file)
    with pytest.raises(UserError, match=rf"e\.h5.*{said}"):
        read(path, annotated(), "both", "strict", 0)


def test_a_file_that_is_no_hdf5_is_named(tmp_path: Path) -> None:
    (tmp_path / "e.h5").write_text("nonsense")
    with pytest.raises(UserError, match=r"e\.h5: cannot be read"):
        read(tmp_path / "e.h5", annotated(), "both", "strict", 0)


def test_a_set_of_videos_is_read_once_where_splits_do_not_differ(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    videos = BySplit(path, annotated(), "both")
    first = videos("strict", 0)
    path.unlink()
    assert videos("official", 3) is first


def test_each_split_has_its_own_where_they_differ(path: Path) -> None:
    with h5py.File(path, "a") as file:
        for number in (0, 1):
            for name in [name for name in file if name != "splits"]:
                file.copy(name, f"splits/strict/{number}/{name}")
                file[f"splits/strict/{number}/{name}/query"][...] += number
    videos = BySplit(path, annotated(), "query")
    zero, one = videos("strict", 0), videos("strict", 1)
    for name, video in zero.items():
        torch.testing.assert_close(one[name].x_TD, video.x_TD + 1)
    with pytest.raises(UserError, match="is missing, but is annotated"):
        videos("official", 0)


def test_a_file_of_no_splits_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read as embeddings"):
        BySplit(tmp_path / "none.h5", annotated(), "both")

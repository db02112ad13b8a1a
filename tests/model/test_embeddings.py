from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from stages.datasets.annotations import Annotations, VideoAnnotations
from stages.errors import UserError
from stages.model.embeddings import Inputs, read

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
    videos = read(path, annotated(), inputs)
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
        read(path, annotated(), "both")


def test_a_file_that_is_no_hdf5_is_named(tmp_path: Path) -> None:
    (tmp_path / "e.h5").write_text("nonsense")
    with pytest.raises(UserError, match=r"e\.h5: cannot be read"):
        read(tmp_path / "e.h5", annotated(), "both")

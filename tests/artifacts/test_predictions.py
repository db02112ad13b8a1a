from pathlib import Path

import h5py
import numpy as np
import pytest

from stages.artifacts.predictions import Run, place, read, settings, write
from stages.errors import UserError

LENGTHS = {"video_2": 3, "video_10": 2}


def run(seed: int = 0, split: int = 0, epoch: float | None = 2, *videos: str) -> Run:
    scores = {name: np.full(LENGTHS[name], (seed + split + 1) / 8, "f4") for name in videos}
    return Run("strict", seed, split, epoch, scores)


def test_runs_come_back_by_seed_and_split_with_their_epochs(tmp_path: Path) -> None:
    runs = [
        run(seed, split, seed + split / 2, video)
        for seed in (0, 11, 3)
        for split, video in enumerate(LENGTHS)
    ]
    write(tmp_path / "p.h5", iter(runs))
    found = read(tmp_path / "p.h5", LENGTHS, ["strict"])["strict"]
    assert found.splits == (("video_2",), ("video_10",))
    assert found.epochs == {"seed_0": [0, 0.5], "seed_3": [3, 3.5], "seed_11": [11, 11.5]}
    for of in runs:
        for video, scores_T in of.scores.items():
            assert (found.scores[f"seed_{of.seed}"][of.split][video] == scores_T).all()


def test_a_run_lies_where_it_is_said_to(tmp_path: Path) -> None:
    write(tmp_path / "p.h5", [run(3, 1, 2, "video_2")])
    with h5py.File(tmp_path / "p.h5") as file:
        assert list(file["strict/seed_3/split_1"]) == ["video_2"]
    assert run(3, 1).place == place("strict", 3, 1) == "strict/seed_3/split_1"


def test_scores_that_nobody_trained_have_no_epoch(tmp_path: Path) -> None:
    write(tmp_path / "p.h5", [run(0, 0, None, *LENGTHS)])
    assert read(tmp_path / "p.h5", LENGTHS, ["strict"])["strict"].epochs == {"seed_0": [None]}


def test_how_scorers_learnt_comes_back_or_is_said_to_be_unknown(tmp_path: Path) -> None:
    learnt = {"model": {"width": 32}, "train": {"lr": 1e-4, "schedule": None}}
    write(tmp_path / "p.h5", [run(0, 0, 2, *LENGTHS)], learnt)
    assert settings(tmp_path / "p.h5") == learnt
    assert read(tmp_path / "p.h5", LENGTHS, ["strict"])["strict"].epochs == {"seed_0": [2]}
    write(tmp_path / "p.h5", [run(0, 0, 2, *LENGTHS)])
    with pytest.raises(UserError, match=r"p\.h5: does not say how its scorers learnt; run"):
        settings(tmp_path / "p.h5")


def test_the_same_runs_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.h5", "b.h5"):
        write(tmp_path / name, [run(0, 0, 2, *LENGTHS)])
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


@pytest.mark.parametrize(
    ("runs", "said"),
    [
        ([], "lacks the protocol strict"),
        ([run(0, 0, 2, "video_2")], "video_10 is tested 0 times a seed"),
        ([run(0, 0, 2, *LENGTHS), run(0, 1, 2, "video_2")], "video_2 is tested 2 times a seed"),
        ([run(0, 0, 2, *LENGTHS), run(1, 0, 2, "video_2")], "tested different videos"),
        ([run(0, 0, 2)], "holds no scores"),
        (
            [Run("strict", 0, 0, 2, {"video_9": np.zeros(3, "f4")})],
            "not among the dataset's videos",
        ),
        ([Run("strict", 0, 0, 2, {"video_2": np.zeros(4, "f4")})], "4 scores and the video 3"),
        ([Run("strict", 0, 0, 2, {"video_2": np.full(3, np.nan, "f4")})], "holds NaN"),
    ],
)
def test_what_does_not_fit_the_videos_is_named(tmp_path: Path, runs: list[Run], said: str) -> None:
    write(tmp_path / "p.h5", runs)
    with pytest.raises(UserError, match=rf"p\.h5: .*{said}"):
        read(tmp_path / "p.h5", LENGTHS, ["strict"])


def test_a_file_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"p\.h5 not found; run the train stage"):
        read(tmp_path / "p.h5", LENGTHS, ["strict"])

"""The train stage end to end on a tiny dataset."""

import csv
from pathlib import Path
from typing import Literal

import h5py
import numpy as np
import pytest
import yaml

from stages import params
from stages.artifacts import field as people
from stages.artifacts import predictions
from stages.errors import UserError
from stages.metrics.inputs import read_people
from stages.metrics.panel import Rules
from stages.scorers import checkpoints
from stages.splits.folds import Split, overlapping, strict
from stages.train import train
from stages.training import inputs as embeddings
from stages.training.fitting import predict

ROOT = Path(__file__).parent.parent
LENGTHS = {f"video_{number}": 3 + number for number in (1, 2, 3, 10)}
SPLITS: dict[str, list[Split]] = {
    "strict": strict(list(LENGTHS), 2),
    "official": overlapping(list(LENGTHS), 2),
}


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with small training settings and four annotated, embedded videos."""
    document = yaml.safe_load((ROOT / "params.yaml").read_text())
    document["datasets"]["demo"]["train"].update(
        folds=2, seeds=[0, 3], width=32, layers=1, feedforward=16, epochs=2, batch=2
    )
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(document))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("os.cpu_count", lambda: 1)  # starting processes takes longer than training
    random = np.random.default_rng(0)
    videos = []
    with h5py.File("embeddings.h5", "w") as file:
        for name, length in LENGTHS.items():
            picks_T = np.arange(length) * 15
            for kind in ("query", "answer"):
                file[f"{name}/{kind}"] = random.normal(size=(length, 6)).astype(np.float32)
            file[f"{name}/picks"] = picks_T
            videos.append(
                people.VideoAnnotations(
                    name=name,
                    video_name=name,
                    n_frames=15 * length,
                    picks_T=picks_T,
                    gtscore_T=random.random(length, dtype=np.float32),
                    user_summary_UN=np.ones((1, 15 * length), np.float32),
                    user_scores_UN=random.integers(1, 6, (3, 15 * length)).astype(np.float32),
                )
            )
    with h5py.File("frames.h5", "w") as file:
        for video in videos:
            shots = [[0, 29], [30, video.n_frames - 1]]
            file[f"{video.name}/picks"], file[f"{video.name}/change_points"] = video.picks_T, shots
    people.write(Path("annotations.h5"), people.Annotations("tiny", True, tuple(videos)))
    return tmp_path


def run(model: str = "llmvs", out: str = "out") -> Path:
    folder = Path(out)
    train(
        "demo",
        model,
        Path("embeddings.h5"),
        Path("annotations.h5"),
        Path("frames.h5"),
        folder / "p.h5",
        folder / "checkpoints",
        folder / "c.csv",
    )
    return folder


def outputs(folder: Path) -> dict[str, bytes]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_every_video_is_scored_once_a_seed_as_the_metrics_want_it(workplace: Path) -> None:
    found = predictions.read(run() / "p.h5", LENGTHS, ["strict", "official"])
    for protocol, planned in SPLITS.items():
        assert list(found[protocol].scores) == ["seed_0", "seed_3"]
        assert found[protocol].splits == tuple(split.test for split in planned)


def test_curves_hold_every_point_of_every_run(workplace: Path) -> None:
    with (run() / "c.csv").open() as file:
        rows = list(csv.DictReader(file))
    runs = [(row["protocol"], row["seed"], row["split"], row["epoch"]) for row in rows]
    assert runs == [
        (protocol, str(seed), str(split), epoch)
        for protocol in SPLITS
        for seed in (0, 3)
        for split in (0, 1)
        for epoch in ("1", "2")
    ]
    assert all(float(row[key]) > 0 for row in rows for key in ("lr", "train_loss", "test_loss"))
    for row in rows:
        assert (row["tau"] == "") == (row["protocol"] == "strict")


@pytest.mark.parametrize("model", ["llmvs", "mlp"])
def test_a_checkpoint_gives_the_scores_that_were_written(workplace: Path, model: str) -> None:
    folder = run(model)
    videos = embeddings.read(
        Path("embeddings.h5"),
        people.read(Path("annotations.h5")),
        params.model(model).inputs,
        "strict",
        0,
    )
    runs = [
        (protocol, f"{protocol}/seed_{seed}/split_{number}", split)
        for protocol, planned in SPLITS.items()
        for seed in (0, 3)
        for number, split in enumerate(planned)
    ]
    with h5py.File(folder / "p.h5") as file:
        for protocol, place, split in runs:
            loaded = checkpoints.load(folder / "checkpoints" / f"{place}.safetensors")
            assert (loaded.transformer_encoder_agg is not None) == (model == "llmvs")
            assert protocol == "official" or file[place].attrs["epoch"] == 2
            for video in videos:
                assert (video.name in file[place]) == (video.name in split.test)
                if video.name in split.test:
                    scores_T = file[place][video.name][()]
                    # Training had one thread, this process has more: other last bits.
                    np.testing.assert_allclose(scores_T, predict(loaded, video), atol=1e-6)


@pytest.mark.parametrize("agreement", ["scores", "summary"])
def test_official_keeps_the_epoch_that_evaluate_would_find_best(
    workplace: Path, agreement: Literal["scores", "summary"]
) -> None:
    """The τ of the scores written is the best on the curve, at the epoch written."""
    document = yaml.safe_load(Path("params.yaml").read_text())
    document["datasets"]["demo"]["train"].update(epochs=6, batch=1, lr=1e-2)
    document["datasets"]["demo"]["evaluate"].update(agreement=agreement, budget=0.5)
    Path("params.yaml").write_text(yaml.safe_dump(document))
    folder = run()
    panels = read_people(
        Path("annotations.h5"), Path("frames.h5"), Rules(agreement, "mean", 0.5)
    ).panels
    with (folder / "c.csv").open() as lines, h5py.File(folder / "p.h5") as file:
        rows = [row for row in csv.DictReader(lines) if row["protocol"] == "official"]
        for seed in (0, 3):
            for number in (0, 1):
                group = file[f"official/seed_{seed}/split_{number}"]
                taus = {
                    float(row["epoch"]): float(row["tau"])
                    for row in rows
                    if (row["seed"], row["split"]) == (str(seed), str(number))
                }
                assert list(taus) == [half / 2 for half in range(1, 13)]
                earned = [panels[video].verdict(group[video][()]).marks.tau for video in group]
                assert taus[group.attrs["epoch"]] == max(taus.values())
                assert np.mean(earned) == pytest.approx(max(taus.values()), abs=1e-5)


def test_strict_alone_needs_no_frames(workplace: Path) -> None:
    text = Path("params.yaml").read_text()
    document = yaml.safe_load(text)
    document["datasets"]["demo"]["train"]["protocols"] = ["strict"]
    Path("params.yaml").write_text(yaml.safe_dump(document))
    Path("frames.h5").unlink()
    assert list(h5py.File(run() / "p.h5")) == ["strict"]
    Path("params.yaml").write_text(text)
    with pytest.raises(UserError, match=r"frames\.h5 not found; run the sample stage"):
        run()


def test_a_second_run_on_more_processes_writes_the_same_bytes(
    workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = outputs(run(out="a"))
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    second = outputs(run(out="b"))
    assert len(first) == 2 + 2 * 4
    assert first == second


def test_the_test_videos_scores_play_no_part_in_training(workplace: Path) -> None:
    """Under strict, another opinion of a video changes the models that train on it alone."""
    before = outputs(run(out="a"))
    known = people.read(Path("annotations.h5"))
    changed = strict(list(LENGTHS), 2)[0].test[0]
    for video in known.videos:
        if video.name == changed:
            video.gtscore_T[:] = 1 - video.gtscore_T
    people.write(Path("annotations.h5"), known)
    after = outputs(run(out="b"))
    for seed in (0, 3):
        place = f"checkpoints/strict/seed_{seed}"
        assert after[f"{place}/split_0.safetensors"] == before[f"{place}/split_0.safetensors"]
        assert after[f"{place}/split_1.safetensors"] != before[f"{place}/split_1.safetensors"]


def test_more_folds_than_videos_is_an_error_and_leaves_outputs_alone(workplace: Path) -> None:
    before = outputs(run())
    text = Path("params.yaml").read_text()
    Path("params.yaml").write_text(text.replace("folds: 2", "folds: 9"))
    with pytest.raises(UserError, match="folds"):
        run()
    assert outputs(Path("out")) == before

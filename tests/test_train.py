"""The train stage end to end on a tiny dataset."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import h5py
import numpy as np
import pytest
import yaml

from stages import section
from stages.artifacts import curves, embeddings, people, predictions, timeline
from stages.artifacts.video import Video
from stages.errors import UserError
from stages.feeds import feeds
from stages.metrics.panel import Rules
from stages.metrics.panels import Panels
from stages.scorers import load_checkpoint
from stages.scorers.settings import Model
from stages.splits.folds import Split, overlapping, strict
from stages.train import train
from stages.training.inputs import Inputs
from stages.training.settings import Train
from stages.training.trainer import Job, Trainer
from stages.work.collection import collect
from stages.work.items import Arrays
from stages.work.store import Store

ROOT = Path(__file__).parent.parent
LENGTHS = {f"video_{number}": 3 + number for number in (1, 2, 3, 10)}
SPLITS: dict[str, list[Split]] = {
    "strict": strict(list(LENGTHS), 2),
    "official": overlapping(list(LENGTHS), 2),
}
SCORER = {"width": 32, "layers": 1, "heads": 2, "feedforward": 16}


def change(stage: str, **values: Any) -> None:
    document = yaml.safe_load(Path("params.yaml").read_text())
    document["datasets"]["demo"][stage].update(values)
    Path("params.yaml").write_text(yaml.safe_dump(document))


def videos() -> list[Video]:
    made = []
    for name, length in LENGTHS.items():
        video = Video.sampled(name, name, 15 * length)
        made.append(video.with_shots([[0, 29], [30, video.n_frames - 1]], "kts"))
    return made


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with small training settings and four judged, embedded videos."""
    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    monkeypatch.chdir(tmp_path)
    change("splits", folds=2)
    change("train", seeds=[0, 3], epochs=2, batch=2, scorer=SCORER)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    monkeypatch.setattr(
        "stages.work.allowance.cores", lambda: 1
    )  # starting processes takes longer than training
    random = np.random.default_rng(0)
    judged = []
    with embeddings.writing(Path("inputs/embeddings.h5"), llm="tiny") as file:
        for video in videos():
            query_TW, answer_TW = random.normal(size=(2, len(video.picks_T), 6)).astype(np.float32)
            picks_T = video.picks_T
            file.put(video.name, query_TW=query_TW, answer_TW=answer_TW, picks_T=picks_T)
            judged.append(
                people.Judgement(
                    name=video.name,
                    gtscore_T=random.random(len(picks_T), dtype=np.float32),
                    user_summary_UN=np.ones((1, video.n_frames), np.float32),
                    user_scores_UN=random.integers(1, 6, (3, video.n_frames)).astype(np.float32),
                )
            )
    timeline.write(Path("timeline.h5"), timeline.Timeline("tiny", tuple(videos())))
    people.write(Path("people.h5"), people.People("tiny", True, tuple(judged)))
    return tmp_path


def run(model: str = "llmvs", out: str = "out") -> Path:
    folder = Path(out)
    feeds(dataset="demo", inputs=Path("inputs"), out=Path("feeds"))
    train(
        dataset="demo",
        model=model,
        timeline=Path("timeline.h5"),
        people=Path("people.h5"),
        inputs=Path("inputs"),
        predictions=folder / "p.h5",
        checkpoints_folder=folder / "checkpoints",
        curves=folder / "c.csv",
        feed=Path(f"feeds/{model}.json"),
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


def test_predictions_say_how_their_scorers_learnt(workplace: Path) -> None:
    said = predictions.settings(run() / "p.h5")
    entry = section.lookup(Model, "models", "llmvs")
    settings: Train = section.lookup(Train, "datasets", "demo", "train")
    assert said["model"]["width"] == SCORER["width"] != entry.width
    assert said["model"]["inputs"] == list(entry.inputs)
    assert (said["train"]["lr"], said["train"]["epochs"]) == (settings.lr, 2)
    assert "seeds" not in said["train"]


def test_curves_hold_every_point_of_every_run(workplace: Path) -> None:
    points = curves.read(run() / "c.csv")
    assert [(point.protocol, point.seed, point.split, point.epoch) for point in points] == [
        (protocol, seed, split, epoch)
        for protocol in SPLITS
        for seed in (0, 3)
        for split in (0, 1)
        for epoch in (1, 2)
    ]
    for point in points:
        assert min(point.lr, point.train_loss, point.test_loss) > 0
        assert (point.tau is None) == (point.rho is None) == (point.protocol == "strict")


@pytest.mark.parametrize("model", ["llmvs", "mlp", "query-only"])
def test_a_checkpoint_gives_the_scores_that_were_written(workplace: Path, model: str) -> None:
    folder = run(model)
    entry = section.lookup(Model, "models", model)
    found = predictions.read(folder / "p.h5", LENGTHS, ["strict", "official"])
    by_name = {video.name: video for video in videos()}
    with Inputs(Path("inputs"), model, entry.inputs).reading() as inputs:
        for protocol, planned in SPLITS.items():
            for seed in (0, 3):
                for number, split in enumerate(planned):
                    place = predictions.place(protocol, seed, number)
                    path = folder / "checkpoints" / f"{place}.safetensors"
                    loaded = load_checkpoint(entry.kind, path)
                    assert loaded.architecture["width"] == 32
                    scores = found[protocol].scores[f"seed_{seed}"][number]
                    assert sorted(scores) == sorted(split.test)
                    epoch = found[protocol].epochs[f"seed_{seed}"][number]
                    assert epoch == 2 if protocol == "strict" else epoch in (0.5, 1, 1.5, 2)
                    for name, scores_T in scores.items():
                        again_T = loaded.scores(inputs.video(by_name[name], "strict", number))
                        # Training had one thread, this process has more: other last bits.
                        np.testing.assert_allclose(scores_T, again_T, atol=1e-6)


PEERS: dict[str, dict[str, Any]] = {
    "vasnet": {"hidden": 8},
    "pgl-sum": {"segments": 2, "global_heads": 2, "local_heads": 1},
    "msva": {"hidden": [8, 8, 8]},
    "anchor-based": {"kind": "dsnet", "heads": "anchor-based", "attention_heads": 2},
    "anchor-free": {"kind": "dsnet", "heads": "anchor-free", "attention_heads": 2},
}


@pytest.mark.parametrize("model", PEERS)
def test_a_system_of_another_paper_is_trained_as_its_authors_and_the_recipe_have_it(
    workplace: Path, model: str
) -> None:
    own = {"optimiser": "adam", "epochs": 5, "batch": 1, "lr": 1e-3, "standardise": True}
    said = {"title": model, "kind": model, "inputs": ["query", "answer"], "train": own}
    document = yaml.safe_load(Path("params.yaml").read_text())
    document["models"] = {model: said | PEERS[model]}
    Path("params.yaml").write_text(yaml.safe_dump(document))
    change("train", models={model: {"epochs": 3}})
    folder = run(model)
    assert max(point.epoch for point in curves.read(folder / "c.csv")) == 3
    how = predictions.settings(folder / "p.h5")["train"]
    assert (how["optimiser"], how["batch"], how["epochs"]) == ("adam", 1, 3)
    found = predictions.read(folder / "p.h5", LENGTHS, ["strict"])["strict"].scores["seed_3"][1]
    place = folder / "checkpoints" / f"{predictions.place('strict', 3, 1)}.safetensors"
    entry = section.lookup(Model, "models", model)
    loaded = load_checkpoint(entry.kind, place)
    by_name = {video.name: video for video in videos()}
    with Inputs(Path("inputs"), model, entry.inputs).reading() as inputs:
        for name, scores_T in found.items():
            again_T = loaded.scores(inputs.video(by_name[name], "strict", 1))
            np.testing.assert_allclose(scores_T, again_T, atol=1e-5)


@pytest.mark.parametrize("by", ["tau", "rho"])
@pytest.mark.parametrize("agreement", ["scores", "summary"])
def test_official_keeps_the_epoch_that_evaluate_would_find_best(
    workplace: Path, agreement: Literal["scores", "summary"], by: str
) -> None:
    """The mark of the scores written is the best on the curve, at the epoch written."""
    change("train", epochs=6, batch=1, lr=1e-2, official={"by": by})
    change("evaluate", agreement=agreement, budget=0.5)
    folder = run()
    spine = timeline.read(Path("timeline.h5"))
    judging = Panels(spine, people.read(Path("people.h5"), spine), Rules(agreement, "mean", 0.5))
    points = [point for point in curves.read(folder / "c.csv") if point.protocol == "official"]
    found = predictions.read(folder / "p.h5", LENGTHS, ["official"])["official"]
    for seed in (0, 3):
        for number in (0, 1):
            curve = [at for at in points if (at.seed, at.split) == (seed, number)]
            marks = {at.epoch: getattr(at, by) for at in curve}
            assert list(marks) == [half / 2 for half in range(1, 13)]
            best = max(marks.values())
            scores = found.scores[f"seed_{seed}"][number]
            earned = [
                getattr(judging[name].verdict(scores_T).marks, by)
                for name, scores_T in scores.items()
            ]
            assert marks[found.epochs[f"seed_{seed}"][number] or 0] == best
            assert np.mean(earned) == pytest.approx(best, abs=1e-5)


def test_weights_that_nobody_looks_at_are_not_written_and_all_else_is(workplace: Path) -> None:
    every = outputs(run(out="a"))
    change("train", checkpoints="shown")
    few = outputs(run(out="b"))
    kept = {f"checkpoints/strict/seed_0/split_{number}.safetensors" for number in (0, 1)}
    assert few == {name: every[name] for name in {"p.h5", "c.csv"} | kept}


def test_strict_alone_needs_no_shots(workplace: Path) -> None:
    bare = [Video.sampled(of.name, of.title, of.n_frames) for of in videos()]
    timeline.write(Path("timeline.h5"), timeline.Timeline("tiny", tuple(bare)))
    change("splits", protocols=["strict"])
    assert list(h5py.File(run() / "p.h5")) == ["strict"]
    change("splits", protocols=["strict", "official"])
    with pytest.raises(UserError, match=r"video_1 .*its shots are not known"):
        run()


def test_a_row_that_cannot_be_fed_is_left_out_and_its_files_say_so(
    workplace: Path, caplog: pytest.LogCaptureFixture
) -> None:
    document = yaml.safe_load(Path("params.yaml").read_text())
    document["models"]["mlp"]["inputs"] = ["image"]
    Path("params.yaml").write_text(yaml.safe_dump(document))
    folder = run("mlp")
    why = predictions.left_out(folder / "p.h5")
    assert why is not None
    assert why.startswith("left out: `image`, which it is fed, is lacking: the sample stage makes")
    assert f"mlp: {why}" in caplog.text
    assert curves.read(folder / "c.csv") == []
    assert list((folder / "checkpoints").iterdir()) == []  # a folder all the same: DVC wants outs
    assert predictions.left_out(run("llmvs", "trained") / "p.h5") is None


def test_a_hyperparameter_that_no_kind_has_is_named_by_its_path(workplace: Path) -> None:
    change("train", scorer=SCORER | {"depth": 3})
    with pytest.raises(UserError, match=r"datasets\.demo\.train\.scorer\.depth: no kind"):
        run()


def test_a_killed_training_goes_on_where_it_stopped_and_writes_the_same_bytes(
    workplace: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[Job] = []
    working = Trainer.__call__

    def dying(self: Trainer, jobs: list[Job]) -> Iterator[tuple[int, Arrays]]:
        for index, arrays in working(self, jobs):
            if len(seen) == 5:
                raise KeyboardInterrupt
            seen.append(jobs[index])
            yield index, arrays

    monkeypatch.setattr(Trainer, "__call__", dying)
    with pytest.raises(KeyboardInterrupt):
        run(out="a")
    assert not outputs(Path("a"))
    assert collect(Store.default()).dropped == 0, "what is finished is the unfinished row's"
    monkeypatch.setattr(Trainer, "__call__", working)
    logging.getLogger("llmvs").propagate = True
    with caplog.at_level(logging.INFO, "llmvs"):
        resumed = outputs(run(out="a"))
    assert "runs that are finished already are reused" in caplog.text
    assert "reused 5 of 8, computing 3" in caplog.text
    found = collect(Store.default(), dry_run=True)
    assert (found.dropped, found.unfinished) == (0, ())
    Store.default().root.rename("elsewhere")
    assert outputs(run(out="b")) == resumed


def test_a_second_run_on_more_processes_writes_the_same_bytes(
    workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = outputs(run(out="a"))
    Store.default().root.rename("elsewhere")  # or nothing would be left to do
    monkeypatch.setattr("stages.work.allowance.cores", lambda: 2)
    second = outputs(run(out="b"))
    assert len(first) == 2 + 2 * 4
    assert first == second


def test_the_test_videos_scores_play_no_part_in_training(workplace: Path) -> None:
    """Under strict, another opinion of a video changes the models that train on it alone."""
    before = outputs(run(out="a"))
    known = people.read(Path("people.h5"), timeline.read(Path("timeline.h5")))
    changed = strict(list(LENGTHS), 2)[0].test[0]
    for video in known.videos:
        if video.name == changed:
            video.gtscore_T[:] = 1 - video.gtscore_T
    people.write(Path("people.h5"), known)
    after = outputs(run(out="b"))
    for seed in (0, 3):
        place = f"checkpoints/strict/seed_{seed}"
        assert after[f"{place}/split_0.safetensors"] == before[f"{place}/split_0.safetensors"]
        assert after[f"{place}/split_1.safetensors"] != before[f"{place}/split_1.safetensors"]


def test_more_folds_than_videos_is_an_error_and_leaves_outputs_alone(workplace: Path) -> None:
    before = outputs(run())
    change("splits", folds=9)
    with pytest.raises(UserError, match="folds"):
        run()
    assert outputs(Path("out")) == before

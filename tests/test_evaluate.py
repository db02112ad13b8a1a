"""evaluate writes every table, says what a reader must know, and names what is wrong."""

import csv
import hashlib
import itertools
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import yaml

from stages.artifacts import (
    captions,
    curves,
    embeddings,
    judged_scores,
    people,
    predictions,
    scores,
    timeline,
)
from stages.artifacts.captions import Caption
from stages.artifacts.curves import Point
from stages.artifacts.people import Judgement, People
from stages.artifacts.places import Places
from stages.artifacts.predictions import Run
from stages.artifacts.timeline import Timeline
from stages.artifacts.video import Video
from stages.command import stderr
from stages.errors import UserError
from stages.evaluate import evaluate
from stages.metrics import printed

MODELS = ("llmvs", "mlp")
VIDEOS = ("video_1", "video_2", "video_3", "video_10")
N, PICKS = 300, np.arange(0, 300, 15)
SHOTS = np.column_stack([np.arange(0, N, 20), np.arange(19, N, 20)])
SPLITS = {
    "strict": (VIDEOS[:2], VIDEOS[2:]),
    "official": (VIDEOS[:2], VIDEOS[1:3]),  # one video twice, one never
}


def write_captions(path: Path, **scores: list[float | None]) -> None:
    """A caption a frame, and for the videos named what the captioner said when asked directly."""
    captions.write(
        path,
        (
            Caption(video=video, pick=pick, caption="A dog.")
            if video not in scores
            else Caption(
                video=video, pick=pick, caption="A dog.", reply="as it was said",
                score=scores[video][index],
            )
            for video in VIDEOS
            for index, pick in enumerate(PICKS.tolist())
        ),
    )  # fmt: skip


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with params.yaml and everything evaluate reads, for four small videos."""
    generator = np.random.default_rng(0)
    params = yaml.safe_load((Path(__file__).parent.parent / "params.yaml").read_text())
    params["run"] = {"datasets": ["demo"], "models": list(MODELS)}
    params["datasets"]["demo"]["evaluate"].update(random_seeds=5, bootstrap=100)
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    places = Places(tmp_path / "demo")
    interest = {video: generator.random(len(SHOTS)).repeat(20) for video in VIDEOS}
    videos, judged = [], []
    with embeddings.writing(places.embeddings, llm="tiny", scale=(0, 10)) as file:
        for name in VIDEOS:
            noisy_UN = 1 + 4 * interest[name] + 0.1 * generator.random((4, N))
            shown_UN = noisy_UN > np.quantile(noisy_UN, 0.85, axis=1, keepdims=True)
            videos.append(Video.sampled(name, name, N).with_shots(SHOTS, "kts"))
            judged.append(
                Judgement(
                    name,
                    interest[name][PICKS].astype(np.float32),
                    shown_UN.astype(np.float32),
                    noisy_UN.astype(np.float32),
                )
            )
            scores = generator.integers(0, 11, len(PICKS)).astype(np.float32)
            scores[::10] = np.nan
            file.put(name, **states(), score_T=scores, replies=["said"] * len(PICKS))
    timeline.write(places.timeline, Timeline("demo", tuple(videos)))
    people.write(places.people, People("demo", True, tuple(judged)))
    write_captions(places.captions)
    for model, sharpness in zip(MODELS, (1.0, 0.0), strict=True):
        predictions.write(places.predictions(model), runs(interest, sharpness, generator))
        curves.write(places.curves(model), points())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def states() -> dict[str, Any]:
    """What embeddings hold beside the LLM's own scores; nobody looks at it here."""
    empty_TW = np.zeros((len(PICKS), 2), np.float32)
    return {"query_TW": empty_TW, "answer_TW": empty_TW, "picks_T": PICKS}


def runs(
    interest: dict[str, np.ndarray], sharpness: float, generator: np.random.Generator
) -> Iterator[Run]:
    """Two seeds on every split; a model without sharpness gives every frame the same."""
    for protocol, splits in SPLITS.items():
        for seed in range(2):
            for split, names in enumerate(splits):
                scores = {
                    video: sharpness * (interest[video][PICKS] + 0.1 * generator.random(len(PICKS)))
                    for video in names
                }
                yield Run(protocol, seed, split, 3.0, scores)


def points() -> Iterator[Point]:
    """A learning curve a run; official's has half epochs, and is best at the one kept."""
    for protocol, step in (("strict", 1.0), ("official", 0.5)):
        for seed in range(2):
            for split in range(2):
                for epoch in range(1, int(4 / step)):
                    loss = 1 / (epoch * step)
                    tau = None if protocol == "strict" else 0.1 if epoch == 6 else 0.03
                    yield Point(protocol, seed, split, epoch * step, 0.001, loss, seed + split, tau)


def run(where: Path, out: str = "out") -> dict[str, Any]:
    evaluate(dataset="demo", data=where / "demo", out=where / out)
    return dict(json.loads((where / out / "results.json").read_text()))


def test_every_row_has_its_figures(work: Path) -> None:
    results = run(work)
    assert results["simulated"]
    videos = {protocol: of["videos"] for protocol, of in results["protocols"].items()}
    assert list(videos.items()) == [("strict", 4), ("official", 3)]
    for of in results["protocols"].values():
        assert list(of["rows"]) == [*MODELS, "zero-shot", "human", "oracle", "random"]
        for row in of["rows"].values():
            for mark in ("tau", "rho", "f1"):
                assert row[mark]["low"] <= row[mark]["mean"] <= row[mark]["high"]
    rows = results["protocols"]["strict"]["rows"]
    assert rows["llmvs"]["tau"]["mean"] > 0.7
    assert rows["oracle"]["tau"]["mean"] > rows["random"]["tau"]["mean"] + 0.5
    assert rows["human"]["tau"]["spread"] is None
    assert rows["random"]["tau"]["spread"] > 0
    assert [rows[name]["kind"] for name in ("mlp", "zero-shot", "human")] == [
        "model", "baseline", "people",
    ]  # fmt: skip


def test_what_a_reader_must_know_is_said(work: Path) -> None:
    results = run(work)
    assert results["llm"] == {"replies": 80, "unparsed": 8}
    for protocol, said in (("strict", "8 of 80 replies"), ("official", "6 of 60 replies")):
        of = results["protocols"][protocol]
        flags = "\n".join(of["flags"])
        assert said in flags
        assert "Shots of 4 of 4 videos come from this project's own segmentation" in flags
        assert "8 of 8 predictions give every frame of their video the same value" in flags
        nothing = {"mean": 0, "low": 0, "high": 0, "spread": 0, "folds": [0, 0], "fold_spread": 0}
        assert of["rows"]["mlp"]["tau"] == nothing


def one_shot(work: Path, video: str) -> None:
    """The video becomes a single shot, which no budget holds."""
    path = Places(work / "demo").timeline
    known = timeline.read(path)
    whole = known.by_name[video].with_shots([[0, N - 1]], "annotations")
    videos = tuple(whole if one.name == video else one for one in known.videos)
    timeline.write(path, Timeline(known.dataset, videos))


@pytest.mark.parametrize("agreement", ["summary", "scores"])
def test_a_video_of_which_no_shot_fits_the_budget_is_named_as_such(
    work: Path, agreement: str, caplog: pytest.LogCaptureFixture
) -> None:
    before = run(work)
    assert before["protocols"]["strict"]["unsummarised"] == []
    video = VIDEOS[0]
    one_shot(work, video)
    document = yaml.safe_load((work / "params.yaml").read_text())
    document["datasets"]["demo"]["evaluate"]["agreement"] = agreement
    (work / "params.yaml").write_text(yaml.safe_dump(document))
    with caplog.at_level("WARNING", "llmvs"):
        of = run(work)["protocols"]["strict"]
    assert "no shot of 1 of 4 videos fits the budget" in caplog.text
    assert of["unsummarised"] == [{"video": video, "shortest": N, "frames": N}]
    (said,) = [flag for flag in of["flags"] if "fits the budget of 15 %" in flag and video in flag]
    assert f"(the shortest shot has {N} of {N} frames)" in said
    with (work / "out" / "per_video.csv").open() as file:
        lines = [line for line in csv.DictReader(file) if line["video"] == video]
    assert {float(line["f1"]) for line in lines if line["row"] != "human"} == {0}
    taus = {line["row"]: float(line["tau"]) for line in lines if line["protocol"] == "strict"}
    if agreement == "summary":
        assert "people's mean included" in said
        assert {tau for row, tau in taus.items() if row != "human"} == {0}
        # llmvs told frames apart, and mlp nowhere rates a shot above 0.
        assert not any("LLMVS" in flag and "predictions" in flag for flag in of["flags"])
        assert any(
            "6 of 8 predictions rate no shot that fits the budget above 0" in flag
            for flag in of["flags"]
        )
    else:
        assert "τ and ρ are of scores and not touched" in said
        assert taus["llmvs"] > 0.7


def test_every_row_is_tested_against_llmvs_on_the_videos_it_shares(work: Path) -> None:
    results = run(work)
    with (work / "out" / "per_video.csv").open() as file:
        lines = list(csv.DictReader(file))
    for protocol, of in results["protocols"].items():
        marks: dict[str, dict[str, float]] = {}
        weights = {line["video"]: float(line["weight"]) for line in lines
                   if line["protocol"] == protocol}  # fmt: skip
        for line in lines:
            if line["protocol"] == protocol:
                marks.setdefault(line["row"], {})[line["video"]] = float(line["tau"])
        assert sum(weights.values()) == pytest.approx(1)
        assert of["rows"]["llmvs"]["against"] is None
        tested = {name: row["against"] for name, row in of["rows"].items() if name != "llmvs"}
        for name, against in tested.items():
            assert against["row"] == "llmvs"
            moved = {video: marks[name][video] - marks["llmvs"][video] for video in weights}
            mean = sum(weights[video] * moved[video] for video in weights)
            assert against["tau"]["difference"] == pytest.approx(mean, abs=2e-6)
            assert against["tau"]["low"] <= mean + 1e-6
            assert mean - 1e-6 <= against["tau"]["high"]
            sums = [
                abs(sum(sign * weights[video] * moved[video]
                        for sign, video in zip(signs, weights, strict=True)))
                for signs in itertools.product((1, -1), repeat=len(weights))
            ]  # fmt: skip
            exact = np.mean([total >= abs(mean) - 1e-9 for total in sums])
            assert against["tau"]["p"] == pytest.approx(exact, abs=1e-6)
        smallest = min(against["tau"]["p"] for against in tested.values())
        assert min(against["tau"]["holm"] for against in tested.values()) == pytest.approx(
            min(1, len(tested) * smallest), abs=1e-5
        )


def test_the_folds_of_a_row_average_to_its_mean(work: Path) -> None:
    for protocol, of in run(work)["protocols"].items():
        for row in of["rows"].values():
            for mark in ("tau", "rho", "f1"):
                assert len(row[mark]["folds"]) == len(SPLITS[protocol])
                assert np.mean(row[mark]["folds"]) == pytest.approx(row[mark]["mean"], abs=2e-6)
                spread = np.std(row[mark]["folds"], ddof=1)
                assert row[mark]["fold_spread"] == pytest.approx(spread, abs=2e-6)


def test_a_row_without_training_is_averaged_over_the_splits_of_each_protocol(work: Path) -> None:
    protocols = run(work)["protocols"]
    with (work / "out" / "per_video.csv").open() as file:
        lines = list(csv.DictReader(file))
    for row in ("human", "oracle", "zero-shot", "random"):
        for protocol, splits in SPLITS.items():
            tau = {
                line["video"]: float(line["tau"])
                for line in lines
                if (line["protocol"], line["row"]) == (protocol, row)
            }
            expected = np.mean([np.mean([tau[video] for video in split]) for split in splits])
            found = protocols[protocol]["rows"][row]["tau"]["mean"]
            assert found == pytest.approx(expected, abs=2e-6)


def test_a_flag_counts_the_videos_of_its_protocol_alone(work: Path) -> None:
    change(work / "demo/inputs/embeddings.h5", "video_10/score", np.full(len(PICKS), 5.0))
    protocols = run(work)["protocols"]
    said = "(LLM's own score): 1 of 4 predictions give every frame"
    assert any(said in flag for flag in protocols["strict"]["flags"])
    assert not any("own score)" in flag for flag in protocols["official"]["flags"])


def test_a_single_protocol_is_evaluated_alone(work: Path) -> None:
    text = (work / "params.yaml").read_text()
    document = yaml.safe_load(text)
    document["datasets"]["demo"]["splits"]["protocols"] = ["official"]
    (work / "params.yaml").write_text(yaml.safe_dump(document))
    alone = run(work)
    assert list(alone["protocols"]) == ["official"]
    assert alone["choosing"] is None
    assert alone["llm"] == {"replies": 60, "unparsed": 6}
    (work / "params.yaml").write_text(text)
    assert run(work)["protocols"]["official"] == alone["protocols"]["official"]


def test_the_table_names_protocol_interval_and_simulation(work: Path) -> None:
    with stderr.capture() as captured:
        run(work)
    shown = captured.get()
    for said in (
        "protocol strict, 4 videos", "protocol official, 3 videos", "95 %", "SIMULATED", "LLMVS",
        "Human", "8 of 80 replies", "permutation test against LLMVS", "5 rows tested",
    ):  # fmt: skip
        assert said in " ".join(shown.split())
    strict, official = shown.split("protocol official")
    assert "epoch chosen on the test videos: optimistic" in official
    assert "optimistic" not in strict
    assert "…" not in shown
    assert max(len(line) for line in shown.splitlines()) <= 80


def test_the_tables_agree_with_the_results(work: Path) -> None:
    results = run(work)
    metrics = json.loads((work / "out" / "metrics.json").read_text())
    assert list(metrics) == ["strict", "official"]
    for protocol, rows in metrics.items():
        of_results = results["protocols"][protocol]["rows"]
        assert list(rows) == list(of_results)
        for row, marks in rows.items():
            assert marks == {mark: of_results[row][mark]["mean"] for mark in ("tau", "rho", "f1")}
    with (work / "out" / "per_video.csv").open() as file:
        lines = [line for line in csv.DictReader(file) if line["protocol"] == "strict"]
    assert [line["video"] for line in lines if line["row"] == "human"] == list(VIDEOS)
    for row in metrics["strict"]:
        of_row = [float(line["tau"]) for line in lines if line["row"] == row]
        assert np.mean(of_row) == pytest.approx(metrics["strict"][row]["tau"], abs=2e-6)


def steps(results: dict[str, Any]) -> dict[str, dict[str, float]]:
    """By row what is told of official less strict, means alone."""
    parts = ("difference", "videos", "training", "epoch")
    return {
        row: {part: of[part]["mean"] for part in parts if of[part] is not None}
        for row, of in results["choosing"].items()
    }


def test_what_stands_between_the_protocols_is_told_in_steps_that_sum_to_it(work: Path) -> None:
    results = run(work)
    told = steps(results)
    strict, official = (results["protocols"][name]["rows"] for name in ("strict", "official"))
    assert list(told) == list(strict)
    for row, (difference, *parts) in ((row, of.values()) for row, of in told.items()):
        gap = official[row]["tau"]["mean"] - strict[row]["tau"]["mean"]
        assert difference == round(gap, 6)
        assert round(sum(parts), 6) == difference
        assert len(parts) == (3 if row in MODELS else 2)
    assert told["llmvs"]["epoch"] == 0.07
    assert told["mlp"] == {"difference": 0, "videos": 0, "training": -0.07, "epoch": 0.07}
    for row in ("zero-shot", "human", "oracle", "random"):
        assert told[row]["videos"] == told[row]["difference"] != 0
    with (work / "out" / "per_video.csv").open() as file:
        lines = [line for line in csv.DictReader(file) if line["row"] == "llmvs"]
    weights = {line["video"]: float(line["weight"]) for line in lines
               if line["protocol"] == "official"}  # fmt: skip
    moved = sum(
        float(line["tau"]) * (weights.get(line["video"], 0) - float(line["weight"]))
        for line in lines
        if line["protocol"] == "strict"
    )
    assert told["llmvs"]["videos"] == pytest.approx(moved, abs=2e-6)


def test_curves_without_agreement_leave_training_and_epoch_untold_and_say_so(work: Path) -> None:
    path = work / "demo/curves/llmvs.csv"
    points = [
        replace(point, tau=None) if (point.seed, point.epoch) == (1, 3.5) else point
        for point in curves.read(path)
    ]
    curves.write(path, points)
    with stderr.capture() as captured:
        results = run(work)
    assert set(steps(results)["llmvs"]) == {"difference", "videos"}
    assert results["choosing"]["llmvs"]["lacking"] == 2
    assert results["choosing"]["mlp"]["lacking"] == 0
    said = " ".join(captured.get().split())
    assert "LLMVS (q + a): the learning curves hold no τ" in said
    assert "in 2 of its runs under official" in said


def test_a_table_says_how_much_of_official_is_choosing(work: Path) -> None:
    with stderr.capture() as captured:
        run(work)
    shown = captured.get().split("How much of official is choosing")[1]
    assert "SIMULATED" in shown
    assert "+.070 ±.000" in shown
    assert "[.070, .070]" in shown
    assert "others +.070" in shown
    assert "strict + videos + training + epoch = official" in " ".join(shown.split())
    assert "…" not in shown
    assert max(len(line) for line in shown.splitlines()) <= 80


def test_curves_keep_every_model_and_learning_averages_the_first(work: Path) -> None:
    run(work)
    curves = list(csv.DictReader((work / "out" / "curves.csv").open()))
    assert {line["model"] for line in curves} == set(MODELS)
    assert len(curves) == 2 * 4 * (3 + 7)
    learning = list(csv.DictReader((work / "out" / "learning.csv").open()))
    assert [line["epoch"] for line in learning] == ["1", "2", "3"]
    assert [float(line["test_loss"]) for line in learning] == [1, 1, 1]
    assert float(learning[1]["train_loss"]) == 0.5


def test_the_same_inputs_give_the_same_bytes(work: Path) -> None:
    run(work, "one")
    run(work, "two")
    for path in sorted((work / "one").iterdir()):
        digests = {
            hashlib.sha256((work / out / path.name).read_bytes()).digest() for out in ("one", "two")
        }
        assert len(digests) == 1, path.name


def change(path: Path, name: str, value: object = None) -> None:
    with h5py.File(path, "a") as file:
        del file[name]
        if value is not None:
            file[name] = value


@pytest.mark.parametrize(
    ("file", "name", "value", "complaint"),
    [
        ("predictions/mlp.h5", "strict/seed_0/split_0/video_1", None, "differ|different videos"),
        ("predictions/mlp.h5", "strict/seed_1/split_0/video_1", np.zeros(3), "3 scores.* 20 sam"),
        ("predictions/mlp.h5", "strict/seed_1/split_0/video_1", np.full(20, np.nan), "holds NaN"),
        ("predictions/mlp.h5", "strict/seed_1", None, None),
        ("predictions/mlp.h5", "official/seed_1", np.zeros(3), "cannot be read as predictions"),
        ("predictions/mlp.h5", "strict", None, "lacks the protocol strict, found official"),
        ("predictions/mlp.h5", "official", None, "lacks the protocol official, found strict"),
        ("predictions/mlp.h5", "official/seed_0/split_1/video_3", None, "differ|different videos"),
        ("timeline.h5", "video_2", None, "people.h5: video_2 is not on the timeline"),
        ("timeline.h5", "video_2/picks", np.arange(20), "picks: |times: |video_2"),
        ("source/people.h5", "video_2", None, "lacks video_2"),
        ("inputs/embeddings.h5", "video_2", None, "lacks video_2"),
        ("inputs/embeddings.h5", "video_2/score", np.zeros(7), "video_2"),
    ],
)
def test_inputs_that_do_not_fit_are_named(
    work: Path, file: str, name: str, value: object, complaint: str | None
) -> None:
    change(work / "demo" / file, name, value)
    if complaint is None:  # fewer seeds are fewer seeds
        rows = run(work)["protocols"]["strict"]["rows"]
        assert rows["mlp"]["tau"]["spread"] is None
        return
    with pytest.raises(UserError, match=complaint) as error:
        run(work)
    # What is wrong with the timeline is noticed where something hangs on it.
    hanging = {"video_2": "people.h5", "video_2/picks": "embeddings.h5"}
    named = hanging[name] if file == "timeline.h5" else Path(file).name
    assert named in str(error.value)
    assert not (work / "out").exists()


def test_a_video_with_one_judgement_among_others_costs_the_row_of_people_alone(
    work: Path,
) -> None:
    file = work / "demo/source/people.h5"
    with h5py.File(file) as opened:
        one = {name: opened["video_2"][name][:1] for name in opened["video_2"] if "user" in name}
    assert one
    for name, of_1N in one.items():
        change(file, f"video_2/{name}", of_1N)
    found = run(work)["protocols"]["strict"]
    assert "human" not in found["rows"]
    assert any("one judgement" in flag for flag in found["flags"])


def test_a_video_that_no_split_tests_is_named(work: Path) -> None:
    for seed in range(2):
        change(work / "demo/predictions/mlp.h5", f"strict/seed_{seed}/split_0/video_1")
    with pytest.raises(UserError, match=r"mlp.h5: video_1 is tested 0 times"):
        run(work)


def test_models_of_different_splits_are_not_put_in_one_table(work: Path) -> None:
    with h5py.File(work / "demo/predictions/mlp.h5", "a") as file:
        for seed in range(2):
            file.move(f"strict/seed_{seed}/split_0/video_1", f"strict/seed_{seed}/split_1/video_1")
    with pytest.raises(UserError, match=r"mlp.h5 and .*llmvs.h5 differ"):
        run(work)


@pytest.mark.parametrize("file", ["source/people.h5", "timeline.h5",
                                  "predictions/llmvs.h5", "curves/llmvs.csv"])  # fmt: skip
def test_a_missing_or_broken_file_is_named(work: Path, file: str) -> None:
    (work / "demo" / file).write_text("nonsense")
    with pytest.raises(UserError, match=Path(file).name):
        run(work)
    (work / "demo" / file).unlink()
    with pytest.raises(UserError, match=Path(file).name):
        run(work)


def test_scores_the_captioner_gave_when_asked_are_a_row(work: Path) -> None:
    with h5py.File(work / "demo/source/people.h5") as file:
        asked: dict[str, list[float | None]] = {
            video: [*file[video]["gtscore"][()].tolist()] for video in VIDEOS
        }
    asked["video_2"][3] = None
    write_captions(work / "demo/captions.jsonl", **asked)
    results = run(work)
    for protocol, of in results["protocols"].items():
        assert of["rows"]["direct"]["kind"] == "baseline"
        assert of["rows"]["direct"]["tau"]["mean"] > 0.6
        said = f"1 of {80 if protocol == 'strict' else 60} replies of the captioner"
        assert any(said in flag for flag in of["flags"])
    write_captions(work / "demo/captions.jsonl")
    assert all("direct" not in of["rows"] for of in run(work)["protocols"].values())


def test_where_embeddings_differ_by_split_a_videos_own_scores_are_its_splits(work: Path) -> None:
    """A split's replies are perfect on what it tests and the reverse on everything else."""
    judged = people.read(
        work / "demo/source/people.h5", timeline.read(work / "demo/timeline.h5")
    ).by_name
    path = work / "demo/inputs/embeddings.h5"
    with embeddings.writing(path, llm="tiny", scale=(0, 10)) as file:
        for protocol, planned in SPLITS.items():
            for number, tested in enumerate(planned):
                for video in VIDEOS:
                    good_T = judged[video].gtscore_T
                    file.put(
                        video,
                        **states(),
                        score_T=good_T if video in tested else -good_T,
                        replies=["said"] * len(PICKS),
                        split=(protocol, number),
                        tested=video in tested,
                    )
    for of in run(work)["protocols"].values():
        assert of["rows"]["zero-shot"]["tau"]["mean"] > 0.7


def given(work: Path, what: dict[str, Any]) -> None:
    """The recipe as one that begins with something else; what was made before stays about."""
    params = yaml.safe_load((work / "params.yaml").read_text())
    params["datasets"]["demo"]["given"] = what
    params["datasets"]["demo"]["splits"]["folds"] = 2
    (work / "params.yaml").write_text(yaml.safe_dump(params))


def test_embeddings_that_were_given_bring_no_zero_shot_row(work: Path) -> None:
    given(work, {"kind": "embeddings", "query": "q.h5", "answer": "a.h5"})
    with embeddings.writing(work / "demo/inputs/embeddings.h5", llm="given") as file:
        for video in VIDEOS:
            file.put(video, **states())
    write_captions(work / "demo/captions.jsonl", video_1=[0.5] * len(PICKS))
    results = run(work)
    assert results["llm"] is None
    assert not any("captions" in of["path"] for of in results["files"])
    for of in results["protocols"].values():
        assert list(of["rows"]) == [*MODELS, "human", "oracle", "random"]


def test_scores_that_were_given_are_judged_alone(work: Path) -> None:
    given(work, {"kind": "scores", "rows": {"mine": "mine.json"}})
    shown = timeline.read(work / "demo/timeline.h5")
    judged = people.read(work / "demo/source/people.h5", shown)
    rows = {"mine": {video.name: video.gtscore_T for video in judged.videos}}
    scores.write(work / "demo/scores.h5", rows)
    with stderr.capture() as captured:
        results = run(work)
    shown = captured.get().split("How much of official is choosing")[1]
    assert "Nothing was trained here" in shown
    assert not {"epoch", "training", "seeds"} & set(shown.split())
    for of in results["choosing"].values():
        assert of["videos"] == of["difference"]
        assert (of["training"]["mean"], of["epoch"]) == (0, None)
    assert list(results["protocols"]["strict"]["rows"]) == ["mine", "human", "oracle", "random"]
    assert results["protocols"]["strict"]["rows"]["mine"]["tau"]["mean"] > 0.7
    assert (work / "out" / "learning.csv").read_text() == "model,epoch,train_loss,test_loss\n"


def test_a_measure_of_summaries_has_a_floor_and_says_so(work: Path) -> None:
    assert run(work)["protocols"]["strict"]["floor"] is None
    params = yaml.safe_load((work / "params.yaml").read_text())
    params["datasets"]["demo"]["evaluate"]["agreement"] = "summary"
    (work / "params.yaml").write_text(yaml.safe_dump(params))
    for of in run(work)["protocols"].values():
        assert list(of["rows"])[-1] == "constant"
        constant = of["rows"]["constant"]
        assert of["floor"] == {mark: constant[mark]["mean"] for mark in ("tau", "rho")}
        assert "has a floor that is not zero" in of["flags"][0]
        for name, row in of["rows"].items():
            above = row["above_floor"]
            if name == "constant":
                assert above is None
                continue
            assert above["row"] == "constant"
            for mark in ("tau", "rho", "f1"):
                less = row[mark]["mean"] - constant[mark]["mean"]
                assert above[mark]["difference"] == pytest.approx(less, abs=3e-6)
                assert above[mark]["p"] <= above[mark]["holm"]


def test_a_measure_of_summaries_is_given_without_the_knapsack_too(work: Path) -> None:
    of_scores = run(work)["protocols"]["strict"]["rows"]
    assert all(row["sampled"] is None for row in of_scores.values())
    params = yaml.safe_load((work / "params.yaml").read_text())
    params["datasets"]["demo"]["evaluate"]["agreement"] = "summary"
    (work / "params.yaml").write_text(yaml.safe_dump(params))
    for protocol, of in run(work)["protocols"].items():
        rows = {name: row["sampled"] for name, row in of["rows"].items()}
        for mark in ("tau", "rho", "biserial"):
            assert rows["constant"][mark]["mean"] == 0
            assert len(rows["llmvs"][mark]["folds"]) == len(SPLITS[protocol])
            assert rows["llmvs"][mark]["low"] > 0.2
            assert rows["llmvs"][mark]["mean"] > rows["random"][mark]["mean"] + 0.2
        assert rows["oracle"]["tau"]["mean"] == rows["oracle"]["rho"]["mean"] == 1


def test_what_is_above_the_floor_is_a_table_of_its_own_on_the_terminal(work: Path) -> None:
    params = yaml.safe_load((work / "params.yaml").read_text())
    params["datasets"]["demo"]["evaluate"]["agreement"] = "summary"
    (work / "params.yaml").write_text(yaml.safe_dump(params))
    with stderr.capture() as captured:
        protocols = run(work)["protocols"]
    shown = captured.get()
    assert "…" not in shown
    assert max(len(line) for line in shown.splitlines()) <= 80
    for protocol, of in protocols.items():
        title = f"protocol {protocol}: above the floor, without the knapsack"
        table = " ".join(shown.split(title)[1].split("others.")[0].split())
        row = of["rows"]["llmvs"]
        for value in (row["above_floor"]["tau"]["difference"], row["sampled"]["tau"]["mean"]):
            assert printed.mark(value) in table
        tested = row["above_floor"]["tau"]
        assert f"p {printed.shown_p(tested['p'])}, {printed.shown_p(tested['holm'])}" in table
        assert f"for the {len(of['rows']) - 1} rows tested" in table


def test_a_row_that_has_collapsed_is_flagged(work: Path) -> None:
    """mlp gives every frame the same score; llmvs does not."""
    for of in run(work)["protocols"].values():
        assert of["rows"]["mlp"]["collapsed"] is True
        assert of["rows"]["llmvs"]["collapsed"] is False
        assert of["rows"]["llmvs"]["deviation"] > 0.1
        assert any("MLP, no attention: has collapsed" in flag for flag in of["flags"])


def test_a_row_that_could_not_be_fed_is_named_below_the_tables_with_what_it_lacks(
    work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = run(work)
    assert "left_out" not in before
    predictions.write_left_out(work / "demo/predictions/mlp.h5", "left out: `image` is lacking")
    curves.write(work / "demo/curves/mlp.csv", [])
    capsys.readouterr()
    results = run(work)
    title = before["protocols"]["strict"]["rows"]["mlp"]["title"]
    assert results["left_out"] == {"mlp": {"title": title, "why": "left out: `image` is lacking"}}
    for of in results["protocols"].values():
        assert "mlp" not in of["rows"]
        assert of["flags"][-1] == f"{title}: left out: `image` is lacking."
    said = " ".join(capsys.readouterr().err.split())
    assert said.count(f"{title}: left out: `image` is lacking.") == 2
    read = judged_scores.read(work / "out/scores.h5")
    assert read.about.left_out["mlp"].title == title
    predictions.write_left_out(work / "demo/predictions/llmvs.h5", "left out: and this")
    with pytest.raises(UserError, match=r"no row of run\.models could be fed .*mlp: left out"):
        run(work)


def test_inputs_beside_the_embeddings_are_named_where_a_row_is_fed_them(work: Path) -> None:
    (work / "demo/inputs/sentence.h5").write_bytes(b"vectors")
    assert "sentence.h5" not in {Path(of["path"]).name for of in run(work)["files"]}
    with h5py.File(work / "demo/predictions/mlp.h5", "a") as file:
        file.attrs["settings"] = json.dumps({"model": {"inputs": ["sentence"]}})
    results = run(work)
    assert "sentence.h5" in {Path(of["path"]).name for of in results["files"]}
    title = yaml.safe_load((work / "params.yaml").read_text())["models"]["mlp"]["title"]
    assert results["protocols"]["strict"]["rows"]["mlp"]["title"] == f"{title}, fed sentence"


def test_every_file_that_was_judged_is_named_with_its_checksum(work: Path) -> None:
    files = {Path(of["path"]).name: of["sha256"] for of in run(work)["files"]}
    assert set(files) == {
        "timeline.h5", "people.h5", "captions.jsonl", "embeddings.h5", "llmvs.h5", "mlp.h5",
        "llmvs.csv", "mlp.csv",
    }  # fmt: skip
    content = (work / "demo/timeline.h5").read_bytes()
    assert files["timeline.h5"] == hashlib.sha256(content).hexdigest()


def finetuned(work: Path, *protocols: str, seeds: int = 1) -> None:
    """The row zero-shot*, named in params.yaml, with scores under the protocols named."""
    document = yaml.safe_load((work / "params.yaml").read_text())
    shared = document["datasets"]["summe"]["finetune"]
    document["datasets"]["demo"]["finetune"] = shared | {"rows": ["zero-shot*"]}
    (work / "params.yaml").write_text(yaml.safe_dump(document))
    random = np.random.default_rng(3)
    predictions.write(
        Places(work / "demo").finetuned("zero-shot*"),
        (
            Run(protocol, seed, number, None, {v: random.random(len(PICKS)) for v in names})
            for protocol in protocols
            for seed in range(seeds)
            for number, names in enumerate(SPLITS[protocol])
        ),
        {"asked": {protocol: {"replies": 80, "unparsed": 5} for protocol in protocols}},
    )


def test_a_fine_tuned_row_stands_behind_its_model_where_it_was_tuned(work: Path) -> None:
    finetuned(work, "strict", seeds=2)
    results = run(work)
    strict, official = (results["protocols"][name]["rows"] for name in ("strict", "official"))
    assert list(strict) == [*MODELS, "zero-shot", "zero-shot*", "human", "oracle", "random"]
    assert "zero-shot*" not in official
    row = strict["zero-shot*"]
    assert row["title"] == "Zero-shot (LLM's own score), fine-tuned"
    assert row["tau"]["spread"] > 0
    assert row["against"]["row"] == "llmvs"
    assert "zero-shot*" not in results["choosing"]
    flags = results["protocols"]["strict"]["flags"]
    assert any(flag.startswith("5 of 80 replies of the fine-tuned LLM hold no") for flag in flags)
    assert "demo/finetuned/zero-shot.h5" in {
        str(Path(file["path"]).relative_to(work)) for file in results["files"]
    }
    finetuned(work, "strict", "official")
    results = run(work, "both")
    assert "zero-shot*" in results["protocols"]["official"]["rows"]
    assert "zero-shot*" in results["choosing"]


def test_a_fine_tuned_row_that_does_not_fit_is_one_message(work: Path) -> None:
    finetuned(work, "strict")
    path = Places(work / "demo").finetuned("zero-shot*")
    predictions.write_left_out(path, "datasets.demo.finetune.rows does not name zero-shot*")
    with pytest.raises(
        UserError, match=r"holds no scores \(.*does not name zero-shot\*\); run the f"
    ):
        run(work)
    swapped = SPLITS["strict"][::-1]
    predictions.write(
        path,
        (
            Run("strict", 0, number, None, {v: np.ones(len(PICKS)) for v in names})
            for number, names in enumerate(swapped)
        ),
        {},
    )
    with pytest.raises(UserError, match="differs from the other rows in the test splits of strict"):
        run(work)
    path.unlink()
    with pytest.raises(UserError, match=r"finetuned/zero-shot\.h5"):
        run(work)

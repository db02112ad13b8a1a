"""`representative` as a row beside those that learn: trained, judged and reported as they are."""

from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from stage_outputs import build, make

from stages.artifacts import curves, features, predictions, results, timeline
from stages.artifacts.places import Places
from stages.evaluate import evaluate
from stages.feeds import feeds
from stages.scorers import load_checkpoint
from stages.train import train

ROW = {"title": "Representative frames", "kind": "representative", "inputs": ["image"]}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository whose stages up to embed have run, with images of every frame."""
    make(tmp_path, seeds=(0,))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        "stages.work.allowance.cores", lambda: 1
    )  # starting processes takes longer than training
    document = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))
    document["models"]["representative"] = ROW
    document["run"]["models"] = ["mlp", "representative"]
    demo = document["datasets"]["demo"]
    demo["train"].update(epochs=1, scorer={"width": 16})
    demo["evaluate"].update(random_seeds=3, bootstrap=100)
    Path("params.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
    random, places = np.random.default_rng(3), Places(Path("data/demo"))
    spine = timeline.read(places.timeline)
    seen = ((video, random.random((len(video.picks_T), 5))) for video in spine.videos)
    features.write(places.image, seen)
    return tmp_path


def trained(model: str) -> Places:
    places = Places(Path("data/demo"))
    feeds(dataset="demo", inputs=places.inputs, out=places.feed(model).parent)
    train(
        dataset="demo",
        model=model,
        timeline=places.timeline,
        people=places.people,
        inputs=places.inputs,
        predictions=places.predictions(model),
        checkpoints_folder=places.checkpoints(model),
        curves=places.curves(model),
        feed=places.feed(model),
    )
    return places


@pytest.mark.usefixtures("root")
def test_every_split_and_protocol_scores_a_video_the_same_way() -> None:
    places = trained("representative")
    spine = timeline.read(places.timeline)
    lengths = {video.name: len(video.picks_T) for video in spine.videos}
    found = predictions.read(places.predictions("representative"), lengths, ["strict"])
    (splits,) = found["strict"].scores.values()
    scores = {video: scores_T for split in splits for video, scores_T in split.items()}
    (path, *_) = sorted(places.checkpoints("representative").rglob("*.safetensors"))
    scorer = load_checkpoint("representative", path)
    with features.reading(places.image) as file:
        for video in spine.videos:
            wanted_T = scorer.scores({"image": torch.from_numpy(file.video(video))})
            np.testing.assert_allclose(scores[video.name], wanted_T, rtol=1e-6)
    points = curves.read(places.curves("representative"))
    assert {(point.epoch, point.lr) for point in points} == {(1.0, 0.0)}


def test_it_stands_in_the_table_and_the_report(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for model in ("mlp", "representative"):
        trained(model)
    evaluate(dataset="demo", data=Path("data/demo"), out=Path("reports/results/demo"))
    measured, _ = results.read(Path("reports/results/demo"))
    for protocol in measured.protocols.values():
        row = protocol.rows["representative"]
        assert (row.title, row.kind) == (ROW["title"], "model")
        assert -1 <= row.tau.mean <= 1
    assert measured.choosing is not None
    steps = measured.choosing["representative"]
    assert steps.training is not None
    assert (steps.training.mean, steps.epoch, steps.lacking) == (0, None, 0)
    assert "Representative frames" in build(root, monkeypatch)


def test_alone_it_needs_no_llm_and_first_it_has_no_attention_to_draw(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))
    document["run"]["models"] = ["representative"]
    Path("params.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
    trained("representative")
    evaluate(dataset="demo", data=Path("data/demo"), out=Path("reports/results/demo"))
    assert "Representative frames" in build(root, monkeypatch)


@pytest.mark.usefixtures("root")
def test_without_images_it_says_what_has_them() -> None:
    Places(Path("data/demo")).image.unlink()
    places = trained("representative")
    why = predictions.left_out(places.predictions("representative"))
    assert why is not None
    assert "`image`, which it is fed, is lacking: the sample stage makes it of videos" in why

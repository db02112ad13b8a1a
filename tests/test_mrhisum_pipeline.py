"""MR.HiSum's recipe from its two files to the report, on SYNTHETIC videos of the same layout."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from stages.artifacts import curves as curves_file
from stages.artifacts import predictions as predictions_file
from stages.artifacts import timeline as timeline_file
from stages.artifacts.places import Places
from stages.benchmarking import mrhisum as bench
from stages.benchmarking import replayed
from stages.checking.table import findings
from stages.download import download
from stages.evaluate import evaluate
from stages.features import features
from stages.feeds import feeds
from stages.given import given
from stages.params import load
from stages.rejudging import compare, measure
from stages.report import report
from stages.train import train

D, ROW = "mrhisum", "vasnet"
VIDEOS = 14


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which every stage has run."""
    where = tmp_path_factory.mktemp("replayed")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(where)
        patch.delenv("DVC_ROOT", raising=False)
        replayed.write(Path(bench.H5), Path(bench.SPLIT), VIDEOS, lengths=(60, 90), width=16)
        document: Any = bench.recipe(ROW, epochs=3)
        document["run"]["models"] = [ROW, "llmvs"]
        recipe = document["datasets"][D]
        recipe["train"]["models"][ROW] |= {"batch": 4, "accumulate": 1, "lr": 1e-3}
        recipe["evaluate"] |= {"random_seeds": 5, "bootstrap": 100}
        Path("params.yaml").write_text(yaml.safe_dump(document))
        places = Places(Path("data") / D)
        download(D, places.source)
        given(D, places.source, places.timeline)
        features(D, places.timeline, places.inputs)
        feeds(D, places.inputs, places.feed(ROW).parent)
        for row in document["run"]["models"]:
            train(
                *(D, row, places.timeline, places.people, places.inputs),
                *(places.predictions(row), places.checkpoints(row), places.curves(row)),
                places.feed(row),
            )
        evaluate(D, places.folder, Path("reports/results") / D)
        report(Path("data"), Path("reports/results"), Path("reports/index.html"))
    return where


@pytest.fixture
def inside(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(project)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    return project


def results(project: Path) -> Any:
    return json.loads((project / f"reports/results/{D}/results.json").read_text())


def test_the_test_videos_of_the_published_split_are_judged(project: Path) -> None:
    said = json.loads((project / bench.SPLIT).read_text())
    found = results(project)
    assert list(found["protocols"]) == ["fixed"]
    assert found["protocols"]["fixed"]["videos"] == len(said["test_keys"])
    places = Places(project / "data" / D)
    timeline = timeline_file.read(places.timeline)
    lengths = {video.name: video.n_frames for video in timeline.videos}
    scored = predictions_file.read(places.predictions(ROW), lengths, ["fixed"])["fixed"]
    assert scored.splits == (tuple(said["test_keys"]),)


def test_the_epoch_is_the_best_on_the_validation_videos(project: Path) -> None:
    places = Places(project / "data" / D)
    lengths = {video.name: video.n_frames for video in timeline_file.read(places.timeline).videos}
    scored = predictions_file.read(places.predictions(ROW), lengths, ["fixed"])["fixed"]
    points = curves_file.read(places.curves(ROW))
    assert [point.epoch for point in points] == [1, 2, 3]
    best = max(points, key=lambda point: -9 if point.tau is None else point.tau)
    assert scored.epochs == {"seed_0": [best.epoch]}


def test_every_row_has_the_measures_that_the_authors_define(project: Path) -> None:
    rows = results(project)["protocols"]["fixed"]["rows"]
    assert list(rows) == [ROW, "oracle", "random"]  # one judgement: no people against each other
    for mark in ("tau", "rho"):
        assert rows["oracle"][mark]["mean"] == 1
    for mark in ("map50", "map15"):
        assert rows["oracle"]["highlights"][mark]["mean"] == 1
        assert 0 < rows[ROW]["highlights"][mark]["mean"] <= 1
    metrics = json.loads((project / f"reports/results/{D}/metrics.json").read_text())
    assert set(metrics["fixed"][ROW]) == {"tau", "rho", "f1", "map50", "map15"}


def test_what_cannot_be_fed_and_what_is_made_up_is_said(project: Path) -> None:
    found = results(project)
    assert found["simulated"]
    assert "`query`" in found["left_out"]["llmvs"]["why"]
    assert any("one judgement" in flag for flag in found["protocols"]["fixed"]["flags"])


def test_the_report_shows_the_tested_videos_and_their_highlights(project: Path) -> None:
    page = re.sub(r"\s+", " ", (project / "reports/index.html").read_text())
    assert "SYNTHETIC videos in the layout of MR.HiSum" in page
    assert 'class="simulated"' in page
    assert "Highlights found" in page
    assert "MAP15" in page
    assert "the split that its authors published; epoch chosen on its validation videos" in page
    said = json.loads((project / bench.SPLIT).read_text())
    pages = {path.stem for path in (project / f"reports/videos/{D}").glob("*.html")}
    assert pages == set(said["test_keys"])


def test_its_tables_come_out_of_its_scores_anew(inside: Path) -> None:
    folder = Path("reports/results") / D
    assert not compare(measure(D, folder), folder).differences


def test_it_is_checked_before_anything_runs(inside: Path) -> None:
    settings = load()
    recipe = settings.datasets[D]
    found = findings(settings, D, recipe, Path("nowhere"), Path("work"))
    of = {one.subject: one for one in found}
    for subject in ("annotations", "shots", "given features", "people", "splits"):
        assert of[subject].state == "ok", of[subject]
    assert f"{VIDEOS} videos" in of["annotations"].said

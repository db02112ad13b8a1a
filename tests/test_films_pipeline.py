"""One's own films through the DAG, without people: skims, pages, and a section of the report."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from repository_copy import copy_to, run, stages_run

from stages.artifacts import summaries
from stages.media import video

pytestmark = [pytest.mark.end_to_end, pytest.mark.real_llm]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, film_of_scenes: Path) -> Path:
    """A copy that runs nothing but two recipes of films: one that is read, one by looks alone."""
    where = tmp_path_factory.mktemp("own")
    copy_to(where)
    (where / "films").mkdir()
    shutil.copyfile(film_of_scenes, where / "films" / "Übung #1.MP4")
    params = yaml.safe_load((where / "params.yaml").read_text(encoding="utf-8"))
    read = params["datasets"]["films"]
    read["caption"] = params["datasets"]["demo"]["caption"]
    read["skim"] = {"length": "4s", "formats": ["mp4", "json"]}
    looks = dict(read, title="By their looks", score={"scorer": "representative"})
    del looks["caption"], looks["embed"]
    params["datasets"]["looks"] = looks
    params["run"].update(datasets=[], summarise=["films", "looks"])
    (where / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
    run(where, "llmvs", "deps", "--write")
    run(where, "git", "add", "--all")
    run(where, "git", "commit", "--quiet", "--message", "as it is")
    said = run(where, "dvc", "repro")
    assert stages_run(said) == {
        "download-films", "sample", "caption", "embed-films", "score", "skim", "report",
    }  # fmt: skip
    return where


def document(folder: Path, name: str = "Übung #1") -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / f"{name}.summary.json").read_text("utf-8"))
    return found


def test_each_film_has_a_skim_and_a_page_and_nobody_is_asked(project: Path) -> None:
    for recipe in ("films", "looks"):
        skims = project / "reports/skims" / recipe
        assert {path.name for path in skims.iterdir()} == {
            f"Übung #1.summary.{ending}" for ending in ("mp4", "json", "html")
        }
        made = summaries.read(project / "reports/results" / recipe / "summaries.json")
        (line,) = made.films
        assert line.kept_seconds == pytest.approx(4, abs=0.5)
        assert video.count(skims / line.skim.name) == pytest.approx(30 * line.kept_seconds, abs=1)
        assert not (project / "data" / recipe / "source/people.h5").exists()
    assert not (project / "data/looks/captions.jsonl").exists()
    shots = document(project / "reports/skims/films")["shots"]
    assert all(shot["caption"] and shot["reply"] for shot in shots)


def test_the_report_leads_to_them(project: Path) -> None:
    page = (project / "reports/index.html").read_text(encoding="utf-8")
    assert 'href="skims/films/Übung %231.summary.html"' in page
    assert 'href="skims/looks/Übung %231.summary.mp4"' in page
    assert "By their looks" in page
    assert "blip-smollm2" in page


@pytest.mark.parametrize("recipe", ["films", "looks"])
def test_the_command_makes_the_same_of_the_same_film(project: Path, recipe: str) -> None:
    alone = project / "alone" / recipe
    run(
        project,
        *("llmvs", "summarise", "films", "--recipe", recipe, "--length", "4s"),
        *("--format", "json", "--out", str(alone)),
    )
    assert document(alone) == document(project / "reports/skims" / recipe)


def test_another_length_cuts_anew_and_does_nothing_else(project: Path) -> None:
    assert stages_run(run(project, "dvc", "repro")) == set()
    said = run(project, "dvc", "exp", "run", "-S", "datasets.looks.skim.length=50%")
    assert stages_run(said) == {"skim", "report"}
    (line,) = summaries.read(project / "reports/results/looks/summaries.json").films
    assert line.kept_seconds == pytest.approx(line.seconds / 2, abs=0.5)


def test_another_film_in_the_folder_is_noticed(project: Path, film_of_scenes: Path) -> None:
    shutil.copyfile(film_of_scenes, project / "films" / "a second.mov")
    run(project, "dvc", "repro")
    made = summaries.read(project / "reports/results/films/summaries.json")
    assert [line.film for line in made.films] == ["a second.mov", "Übung #1.MP4"]

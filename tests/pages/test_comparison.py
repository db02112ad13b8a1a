"""Two experiments on one page: what differs, which video fell, on which frame, and nothing else."""

import html
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from contests import FALLEN, FRAME, command
from typer.testing import CliRunner

from stages import params
from stages.artifacts.places import Places
from stages.cli import app
from stages.errors import UserError
from stages.experiments import freshness
from stages.experiments.revisions import Revision, resolve
from stages.pages.comparison import comparison_page, contestants, figures, revision_files

NAMES = ["workspace", "fallen"]
ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def sides(contest: Path, monkeypatch: pytest.MonkeyPatch) -> list[contestants.Contestant]:
    monkeypatch.chdir(contest)
    return contestants.read(NAMES, "demo", "llmvs")


def captions(side: contestants.Contestant) -> tuple[str, ...]:
    found = side.stories[FALLEN].captions
    assert found is not None
    return found


def test_an_experiment_is_read_from_the_cache_and_the_workspace_stays(
    contest: Path, sides: list[contestants.Contestant]
) -> None:
    one, other = sides
    assert one.taus[FALLEN].mean() > 0.3 > 0 > other.taus[FALLEN].mean()
    for video in one.taus:
        if video != FALLEN:
            assert one.taus[video].tolist() == other.taus[video].tolist()
    assert captions(other)[FRAME].startswith("Something else")
    assert not captions(one)[FRAME].startswith("Something else")
    assert command(contest, "git", "status", "--porcelain") == ""
    assert "up to date" in command(contest, sys.executable, "-m", "dvc", "status")


def test_the_marks_are_those_that_evaluate_gave(sides: list[contestants.Contestant]) -> None:
    for side in sides:
        for video, tau_R in side.taus.items():
            marks = side.videos["strict"]["llmvs"][video].marks
            assert tau_R.mean() == pytest.approx(marks["tau"], abs=1e-5)


def test_a_floor_is_said_under_the_figures_of_its_own_protocol(
    sides: list[contestants.Contestant], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(figures, "floor_said", lambda title, rows: "there is a floor")
    first = sides[0].results
    above = {name: of.model_copy(update={"floor": True}) for name, of in first.protocols.items()}
    first = first.model_copy(update={"protocols": above})
    _, *drawn = figures.tables([replace(sides[0], results=first), sides[1]], "demo")
    assert len(drawn) == len(above) == 2
    for protocol, table in zip(above, drawn, strict=True):
        said = [line for line in str(table.caption).splitlines() if "floor" in line]
        assert said == [f"{protocol}: there is a floor"]


def test_only_what_differs_is_listed(sides: list[contestants.Contestant]) -> None:
    assert figures.settings(sides, "demo") == {"datasets.demo.train.lr": ["0.0003", "0.5"]}
    assert figures.settings([sides[0], sides[0]], "demo") == {}


def test_differences_are_paired_by_video(sides: list[contestants.Contestant]) -> None:
    strict, official = figures.figures(sides)
    assert (strict.videos, official.videos) == (5, 4)
    first, other = (strict.sides[name]["tau"] for name in NAMES)
    assert first.against is None
    assert other.against is not None
    assert other.against.difference == pytest.approx(
        other.figure.mean - first.figure.mean, abs=1e-5
    )
    assert other.against.p == 1  # one video alone moved: either sign is as extreme


def test_the_page_shows_the_video_that_fell_and_where(
    contest: Path, sides: list[contestants.Contestant]
) -> None:
    made = comparison_page.build(sides, "demo")
    text = html.unescape(re.sub(r"<[^>]+>", " ", made.split("<body", 1)[1]))
    said = " ".join(text.split())
    assert "datasets.demo.train.lr 0.0003 0.5" in said
    assert "τ rose in 0 of 5 videos and fell in 1." in said
    assert re.findall(r"<h4>(\w+)", made) == [FALLEN]
    assert "fallen: Something else & <b>bold</b>." in said
    assert f"workspace: Frame {FRAME} of video 3." in said
    assert "<b>bold</b>" not in made
    assert "Simulated annotations." in said
    assert "protocol official" in said
    assert "optimistic" in said
    assert made.count("<code>llmvs compare workspace fallen</code>") == 1
    assert comparison_page.build(sides, "demo") == made


def test_the_page_names_the_command_that_makes_it(sides: list[contestants.Contestant]) -> None:
    assert comparison_page._command(sides, "demo") == "llmvs compare workspace fallen"
    others = [replace(side, row="mlp") for side in sides]
    said = "llmvs compare workspace fallen --dataset summe --row mlp"
    assert comparison_page._command(others, "summe") == said


def test_a_dataset_that_did_not_run_is_not_called_out_of_date(
    contest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(contest)
    revision = resolve("fallen")
    of = revision.document("params.yaml")
    of["datasets"]["other"] = of["datasets"]["demo"]
    of["run"]["datasets"] = ["other"]
    monkeypatch.setattr(Revision, "document", lambda self, path: of)
    monkeypatch.setattr(freshness, "outdated", lambda dataset, revision: "other params: dvc repro")
    with pytest.raises(UserError, match="fallen: ran other, and not demo; --dataset"):
        contestants._read("fallen", revision, "demo", "llmvs")


def test_names_are_looked_up_before_anything_is_read(
    contest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(contest)
    monkeypatch.delattr(contestants, "_read")
    with pytest.raises(UserError, match="no experiment or commit 'risen'"):
        contestants.read(["workspace", "risen"], "demo", "llmvs")


def test_nothing_on_the_page_comes_from_elsewhere(sides: list[contestants.Contestant]) -> None:
    made = comparison_page.build(sides, "demo")
    assert "default-src 'none'" in made
    assert "<script" not in made
    for value in re.findall(r'\s(?:src|href|xlink:href)="([^"]*)"', made):
        assert value.startswith(("#", "data:"))
    for target in re.findall(r"url\(([^)]*)\)", made):
        assert target.startswith(("data:image/", "#"))


def test_links_lead_to_a_place_on_the_page(sides: list[contestants.Contestant]) -> None:
    made = comparison_page.build(sides, "demo")
    for target in re.findall(r'href="#([^"]+)"', made):
        assert f'id="{target}"' in made


def test_the_command_writes_the_page_and_prints_where(
    contest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(contest)
    out = tmp_path / "compare.html"
    done = CliRunner().invoke(app, ["compare", *NAMES, "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert str(out) in done.output.replace("\n", "")
    assert "SIMULATED" in done.output
    assert out.read_text().startswith("<!doctype html>")


def test_the_terminal_is_80_columns_wide(contest: Path) -> None:
    environment = {**os.environ, "COLUMNS": "80", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "stages.cli", "compare", *NAMES, "--out", ".git/compare.html"],
        cwd=contest, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert max(len(line) for line in done.stdout.splitlines()) <= 80
    assert "Δ" in done.stdout


def test_what_the_workspace_has_too_is_read_there(
    contest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(contest)
    held = Places(Path("data/demo"))
    lock = (
        {"path": held.captions.as_posix(), "md5": "one"},
        {"path": "data/demo/source", "md5": "2"},
    )
    monkeypatch.setattr(
        revision_files, "_hashes", lambda revision: {o["path"]: o["md5"] for o in lock}
    )
    recipe = params.recipe("demo")
    found = revision_files.files(resolve("fallen"), "demo", recipe, "llmvs", tmp_path)
    assert found.captions.resolve() == held.captions.resolve()
    assert found.people.resolve() == held.people.resolve()
    for path in (found.embeddings, found.predictions("llmvs"), found.curves("llmvs")):
        assert path.is_file()
        assert not path.is_symlink()
    assert not found.frames.exists()


def test_both_locks_say_what_a_revision_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert revision_files._hashes(resolve("workspace")) == {}
    Path("data").mkdir()
    for number, path in enumerate(("dvc.lock", "data/dvc.lock")):
        outs = [{"path": f"data/demo/{number}", "md5": f"sum {number}"}, {"path": "uncached"}]
        Path(path).write_text(yaml.safe_dump({"stages": {f"stage {number}": {"outs": outs}}}))
    assert revision_files._hashes(resolve("workspace")) == {
        "data/demo/0": "sum 0", "data/demo/1": "sum 1", "uncached": "",
    }  # fmt: skip


def test_without_pictures_words_and_ranks_are_left(
    sides: list[contestants.Contestant], tmp_path: Path
) -> None:
    made = comparison_page.build(sides, "demo", tmp_path)
    assert '<li class="bare">' in made
    assert 'class="still' not in made
    assert "data:image" not in made
    assert f"Frame {FRAME} of video 3." in made


@pytest.mark.parametrize(
    ("names", "dataset", "row", "said"),
    [
        (["workspace"], "demo", "llmvs", "at least two"),
        (["fallen", "fallen"], "demo", "llmvs", "given twice"),
        (["workspace", "risen"], "demo", "llmvs", "no experiment or commit 'risen'.*fallen"),
        (NAMES, "tvsum", "llmvs", "no dataset 'tvsum'"),
        (NAMES, "demo", "human", "no trained row 'human'"),
    ],
)
def test_what_cannot_be_compared_is_named(
    contest: Path,
    monkeypatch: pytest.MonkeyPatch,
    names: list[str],
    dataset: str,
    row: str,
    said: str,
) -> None:
    monkeypatch.chdir(contest)
    with pytest.raises(UserError, match=said):
        contestants.read(names, dataset, row)

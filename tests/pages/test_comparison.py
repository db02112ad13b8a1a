"""Two experiments on one page: what differs, which video fell, on which frame, and nothing else."""

import html
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from contests import FALLEN, FRAME, command
from typer.testing import CliRunner

from stages.cli import app
from stages.comparison import contestants, page, sources, summary
from stages.errors import UserError
from stages.experiments.revisions import resolve

NAMES = ["workspace", "fallen"]
ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def sides(contest: Path, monkeypatch: pytest.MonkeyPatch) -> list[contestants.Contestant]:
    monkeypatch.chdir(contest)
    return contestants.read(NAMES, "demo", "llmvs")


def test_an_experiment_is_read_from_the_cache_and_the_workspace_stays(
    contest: Path, sides: list[contestants.Contestant]
) -> None:
    one, other = sides
    assert one.taus[FALLEN].mean() > 0.4 > 0 > other.taus[FALLEN].mean()
    for video in one.taus:
        if video != FALLEN:
            assert one.taus[video].tolist() == other.taus[video].tolist()
    assert other.stories[FALLEN].captions[FRAME].startswith("Something else")
    assert not one.stories[FALLEN].captions[FRAME].startswith("Something else")
    assert command(contest, "git", "status", "--porcelain") == ""
    assert "up to date" in command(contest, sys.executable, "-m", "dvc", "status")


def test_the_marks_are_those_that_evaluate_gave(sides: list[contestants.Contestant]) -> None:
    for side in sides:
        for video, tau_R in side.taus.items():
            marks = side.measured.videos["strict"]["llmvs"][video].marks
            assert tau_R.mean() == pytest.approx(marks["tau"], abs=1e-5)


def test_only_what_differs_is_listed(sides: list[contestants.Contestant]) -> None:
    assert summary.settings(sides, "demo") == {"datasets.demo.train.lr": ["0.0003", "0.5"]}
    assert summary.settings([sides[0], sides[0]], "demo") == {}


def test_differences_are_paired_by_video(sides: list[contestants.Contestant]) -> None:
    strict, official = summary.standings(sides)
    assert (strict.videos, official.videos) == (5, 4)
    first, other = (strict.sides[name]["tau"] for name in NAMES)
    assert first.against is None
    assert other.against is not None
    assert other.against.difference == pytest.approx(other.mean - first.mean, abs=1e-5)
    assert other.against.p == 1  # one video alone moved: either sign is as extreme


def test_the_page_shows_the_video_that_fell_and_where(
    contest: Path, sides: list[contestants.Contestant]
) -> None:
    made = page.build(sides, "demo", Path("data/frames/demo.h5"))
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
    assert page.build(sides, "demo", Path("data/frames/demo.h5")) == made


def test_nothing_on_the_page_comes_from_elsewhere(sides: list[contestants.Contestant]) -> None:
    made = page.build(sides, "demo", Path("data/frames/demo.h5"))
    assert "default-src 'none'" in made
    assert "<script" not in made
    for value in re.findall(r'\s(?:src|href|xlink:href)="([^"]*)"', made):
        assert value.startswith(("#", "data:"))
    for target in re.findall(r"url\(([^)]*)\)", made):
        assert target.startswith(("data:image/", "#"))


def test_links_lead_to_a_place_on_the_page(sides: list[contestants.Contestant]) -> None:
    made = page.build(sides, "demo", Path("data/frames/demo.h5"))
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
    lock = {"stages": {"sample@demo": {"outs": [{"path": "data/frames/demo.h5", "md5": "one"}]}}}
    monkeypatch.setattr(type(resolve("workspace")), "document", lambda self, path: lock)
    found = sources.files(resolve("fallen"), "demo", "llmvs", tmp_path)
    assert found.frames == Path("data/frames/demo.h5")
    assert found.captions == tmp_path / "captions" / "demo.jsonl"
    assert found.captions.is_file()


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

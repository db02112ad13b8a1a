"""The stage as a command, as dvc.yaml runs it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from stage_outputs import ROOT

ARGUMENTS = ("--data", "data", "--results", "reports/results", "--out", "reports/index.html")


def command(where: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {"PYTHONPATH": str(ROOT), "COLUMNS": "200", "MPLCONFIGDIR": str(where)}
    return subprocess.run(
        [sys.executable, "-m", "stages.report", *arguments],
        cwd=where, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_the_stage_writes_the_page_and_its_figures(built: Path, tmp_path: Path, page: str) -> None:
    for name in ("data", "reports/results"):
        shutil.copytree(built / name, tmp_path / name)
    shutil.copy(built / "params.yaml", tmp_path)
    done = command(tmp_path, *ARGUMENTS)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "reports/index.html").read_text(encoding="utf-8") == page
    assert sorted(path.name for path in (tmp_path / "reports/figures").iterdir()) == [
        "demo-agreement.svg", "demo-calibration.svg", "demo-learning.svg", "demo-video.svg",
    ]  # fmt: skip


def test_pages_of_videos_that_are_gone_go(artifacts: Path) -> None:
    left = artifacts / "reports/videos/demo/video_99.html"
    left.parent.mkdir(parents=True)
    left.write_text("of an earlier dataset", encoding="utf-8")
    done = command(artifacts, *ARGUMENTS)
    assert done.returncode == 0, done.stderr
    assert sorted(path.stem for path in left.parent.iterdir()) == [
        f"video_{number}" for number in range(1, 6)
    ]
    assert "6 pages" in done.stderr


@pytest.mark.parametrize("missing", ["data/demo/captions.jsonl", "data/demo/curves/mlp.csv"])
def test_a_missing_input_ends_in_one_message_and_leaves_the_old_page(
    artifacts: Path, missing: str
) -> None:
    (artifacts / missing).unlink()
    page = artifacts / "reports/index.html"
    page.write_text("the old page", encoding="utf-8")
    done = command(artifacts, *ARGUMENTS)
    assert done.returncode == 1
    assert missing in done.stderr
    assert "dvc repro" in done.stderr
    assert "Traceback" not in done.stderr
    assert page.read_text(encoding="utf-8") == "the old page"

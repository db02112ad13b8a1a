"""`llmvs trial` as it is called, on the cheapest stage."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from stages.cli import app
from stages.errors import UserError
from stages.resilience import volume


def test_a_stage_is_killed_and_run_again_and_the_exit_code_tells_whether_anything_was_lost(
    tmp_path: Path,
) -> None:
    called = ["trial", "kill", "download", "--times", "1", "--folder", str(tmp_path / "scratch")]
    ran = CliRunner().invoke(app, called)
    assert "Stopped by SIGKILL" in ran.output
    row = next(line for line in ran.output.splitlines() if line.startswith("│ download"))
    stage, trials, _, failures, what = (cell.strip() for cell in row.strip("│").split("│"))
    assert (stage, trials) == ("download", "1")
    assert (ran.exit_code, failures, what) == (0, "0", "")
    assert (tmp_path / "scratch" / "project" / "data" / "demo" / "source" / "people.h5").is_file()


def test_a_folder_that_holds_something_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("")
    ran = CliRunner().invoke(app, ["trial", "kill", "download", "--folder", str(tmp_path)])
    assert isinstance(ran.exception, UserError)
    assert "is not empty" in str(ran.exception)


def test_a_stage_that_is_none_is_refused(tmp_path: Path) -> None:
    ran = CliRunner().invoke(app, ["trial", "disk", "embd"])
    assert isinstance(ran.exception, UserError)


def test_where_there_is_no_small_file_system_it_is_said_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if volume.free(tmp_path) <= volume.LARGEST:
        pytest.skip("this is a small file system")
    monkeypatch.setenv("PATH", str(tmp_path))  # nothing mounts here
    ran = CliRunner().invoke(app, ["trial", "disk", "download"])
    assert ran.exit_code == 2
    assert "name with --folder one on a file system with less than 1 GB free" in ran.output


@pytest.mark.parametrize("trial", ["kill", "disk", "damage"])
def test_every_trial_says_what_it_does(trial: str) -> None:
    ran = CliRunner().invoke(app, ["trial", trial, "--help"])
    assert ran.exit_code == 0
    assert "--times" in ran.output

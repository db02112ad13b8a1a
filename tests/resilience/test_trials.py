"""`llmvs trial` as it is called, on the cheapest stage."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from stages.cli import app
from stages.errors import UserError


def test_a_stage_killed_before_it_wrote_anything_has_lost_nothing(tmp_path: Path) -> None:
    # This seed's moment is a fifth into the run, while imports are at work.
    called = ["trial", "kill", "download", "--times", "1", "--seed", "6"]
    ran = CliRunner().invoke(app, [*called, "--folder", str(tmp_path / "scratch")])
    assert ran.exit_code == 0, ran.output
    assert "Stopped by SIGKILL" in ran.output
    row = next(line for line in ran.output.splitlines() if "download" in line)
    assert [cell.strip() for cell in row.strip("│").split("│")] == ["download", "1", "1", "0", ""]


def test_a_folder_that_holds_something_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("")
    ran = CliRunner().invoke(app, ["trial", "kill", "download", "--folder", str(tmp_path)])
    assert isinstance(ran.exception, UserError)
    assert "is not empty" in str(ran.exception)


def test_a_stage_that_is_none_is_refused(tmp_path: Path) -> None:
    ran = CliRunner().invoke(app, ["trial", "disk", "embd"])
    assert isinstance(ran.exception, UserError)


@pytest.mark.parametrize("trial", ["kill", "disk", "damage"])
def test_every_trial_says_what_it_does(trial: str) -> None:
    ran = CliRunner().invoke(app, ["trial", trial, "--help"])
    assert ran.exit_code == 0
    assert "--times" in ran.output

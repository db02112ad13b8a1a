"""A stage that fails after DVC removed its outputs says how to have them back, and that works."""

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
STAGE = """
from pathlib import Path
from stages import command
from stages.errors import UserError

def brew() -> None:
    if Path("leaves").read_text() == "none":
        raise UserError("no leaves")
    for name in ("cup", "notes"):
        Path("kitchen", name).write_text(Path("leaves").read_text())

command.run(brew)
"""
PIPELINE = """
stages:
  brew:
    wdir: ..
    cmd: python stage.py
    deps: [leaves]
    outs:
      - kitchen/cup
      - kitchen/notes:
          cache: false
"""


@pytest.fixture
def kitchen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository whose only stage has run."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("DVC_ROOT", raising=False)
    for variable in ("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"):
        monkeypatch.setenv(variable, "A")
    for variable in ("GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"):
        monkeypatch.setenv(variable, "a@example.org")
    Path("stage.py").write_text(STAGE)
    Path("leaves").write_text("green")
    Path("kitchen").mkdir()
    Path("kitchen/dvc.yaml").write_text(PIPELINE)
    for command in ("git init -q", "dvc init -q", "dvc repro -q kitchen/dvc.yaml"):
        subprocess.run(command.split(), check=True, env=dict(os.environ))
    subprocess.run(["git", "add", "."], check=True)
    subprocess.run(["git", "commit", "-qm", "brewed"], check=True)
    return tmp_path


def test_what_dvc_removed_is_had_back_by_what_the_failure_says(kitchen: Path) -> None:
    made = [kitchen / "kitchen" / name for name in ("cup", "notes")]
    (kitchen / "leaves").write_text("none")
    failed = subprocess.run(
        ["dvc", "repro", "kitchen/dvc.yaml"], capture_output=True, text=True, check=False
    )
    assert failed.returncode
    assert not any(path.exists() for path in made)
    found = re.search(r"to have them back: (.*)", failed.stderr)
    assert found, failed.stderr
    for command in found[1].split("; "):
        subprocess.run(command.split(), check=True, capture_output=True)
    assert [path.read_text() for path in made] == ["green", "green"]


def test_nothing_is_said_where_nothing_was_removed(kitchen: Path) -> None:
    (kitchen / "leaves").write_text("none")
    environment = {**os.environ, "DVC_STAGE": "kitchen/dvc.yaml:brew", "DVC_ROOT": str(kitchen)}
    failed = subprocess.run(
        ["python", "stage.py"], env=environment, capture_output=True, text=True, check=False
    )
    assert failed.stderr.strip() == "error: no leaves"

"""A stage called as `llmvs X` and as `python -m stages.X` does the same."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from stages.work import runs

ROOT = Path(__file__).parent.parent
PROGRAM = """
import os, signal, sys, time
from pathlib import Path
from typing import Annotated

import typer

from stages import cli, command
from stages import download as module
from stages.errors import UserError


def download(dataset: Annotated[str, typer.Option()], out: Annotated[Path, typer.Option()]) -> None:
    if dataset == "stopped":
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(60)
    if dataset == "interrupted":
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(60)
    if dataset == "wrong":
        raise UserError("datasets.wrong: [a remedy]")
    out.write_text("made")


module.download = download
if sys.argv[1] == "download":
    cli.main()
else:
    command.run(download)
"""
WAYS = (("download",), ())


@pytest.fixture(params=WAYS, ids=["llmvs download", "python -m stages.download"])
def way(request: pytest.FixtureRequest) -> tuple[str, ...]:
    of: tuple[str, ...] = request.param
    return of


def call(where: Path, way: tuple[str, ...], dataset: str) -> subprocess.CompletedProcess[str]:
    (where / "download.py").write_text(PROGRAM)
    return subprocess.run(
        [sys.executable, "download.py", *way, "--dataset", dataset, "--out", "made"],
        cwd=where,
        env={**os.environ, "PYTHONPATH": str(ROOT), "DVC_ROOT": str(where)},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )


def test_what_the_run_took_is_recorded_under_the_stages_own_command(
    tmp_path: Path, way: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    done = call(tmp_path, way, "demo")
    assert done.returncode == 0, done.stderr
    monkeypatch.chdir(tmp_path)
    record = runs.of(Path(".work"), "download", Path("made"))
    assert record is not None
    assert record.command == "python -m stages.download --dataset demo --out made"


@pytest.mark.parametrize(
    ("dataset", "code", "said"),
    [
        ("stopped", 143, ""),
        ("interrupted", 130, "stopped. Run again"),
        ("wrong", 1, "error: datasets.wrong: [a remedy]"),
    ],
)
def test_what_was_not_finished_exits_non_zero_and_is_not_recorded(
    tmp_path: Path, way: tuple[str, ...], dataset: str, code: int, said: str
) -> None:
    done = call(tmp_path, way, dataset)
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / ".work" / "runs").exists()

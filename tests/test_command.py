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
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from stages import cli, command, outputs
from stages import download as module
from stages.errors import UserError
from stages.work import runs
from stages.work.files import DiskFullError


def download(dataset: Annotated[str, typer.Option()], out: Annotated[Path, typer.Option()]) -> None:
    if dataset in ("stopped", "stopped twice"):
        if dataset == "stopped twice":  # by the system for its parent, then by its own watch
            usual, again = outputs.remedy, partial(os.kill, os.getpid(), signal.SIGTERM)
            outputs.remedy = lambda: again() or usual()
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(60)
    if dataset == "left":  # by its terminal
        os.kill(os.getpid(), signal.SIGHUP)
        time.sleep(60)
    if dataset == "interrupted":
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(60)
    if dataset == "wrong":
        raise UserError("datasets.wrong: [a remedy] of out:100:.json")
    if dataset == "full":
        runs.count("frames", 3, 8)
        runs.computed("frames")
        raise DiskFullError(out, 1_200_000_000, 300_000_000)
    if dataset == "forbidden":
        Path("locked").write_text("")
        raise PermissionError(13, "Permission denied", "locked")
    if dataset == "twice":
        print("at work", flush=True)
        time.sleep(60)
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
        ("stopped", 143, "stopped. Run again to go on: finished work is kept."),
        ("left", 129, "stopped. Run again to go on: finished work is kept."),
        ("stopped twice", 143, "stopped. Run again to go on: finished work is kept."),
        ("interrupted", 130, "stopped. Run again"),
        ("wrong", 1, "error: datasets.wrong: [a remedy] of out:100:.json"),
        (
            "full",
            1,
            "error: the disk is full: no room for made (300.0 MB free, 1.2 GB needed). Nothing "
            "finished is lost, 4 of 8 frames are kept. Free some space and run again; `llmvs gc` "
            "drops what neither an output nor an unfinished stage needs, and with --films what is "
            "kept of films of your own.",
        ),
        ("forbidden", 1, "error: locked cannot be written or read: Permission denied"),
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


def test_two_runs_on_one_output_are_not_at_work_at_once(
    tmp_path: Path, way: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "download.py").write_text(PROGRAM)
    first = subprocess.Popen(
        [sys.executable, "download.py", *way, "--dataset", "twice", "--out", "made"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "DVC_ROOT": str(tmp_path)},
        stdout=subprocess.PIPE,
    )
    assert first.stdout is not None
    try:
        assert first.stdout.readline() == b"at work\n"
        second = call(tmp_path, way, "demo")
        assert second.returncode == 1
        assert f"made: another run is at work on it, process {first.pid}" in second.stderr
        assert not (tmp_path / "made").exists()
    finally:
        first.kill()
        first.communicate()

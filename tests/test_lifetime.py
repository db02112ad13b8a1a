"""A process of a stage ends when it is told to, and with the DVC that started it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).parent.parent
STAGE = """
import time
from stages import command
def download() -> None:
    print("begun", flush=True)
    time.sleep(60)
command.run(download)
"""
DVC = """
import subprocess, sys
subprocess.run({command!r}, shell={shell!r})
"""


def started(folder: Path, shell: bool) -> subprocess.Popen[bytes]:
    """A program called dvc that runs a stage, itself or through a shell that stays."""
    (folder / "stage.py").write_text(STAGE)
    command: str | list[str] = [sys.executable, "stage.py"]
    if shell:
        command = f"{sys.executable} stage.py; echo over"
    (folder / "dvc").write_text(DVC.format(command=command, shell=shell))
    return subprocess.Popen(
        [sys.executable, "dvc"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "DVC_STAGE": "x", "DVC_ROOT": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


@pytest.mark.parametrize("shell", [False, True], ids=["directly", "through a shell"])
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_stage_ends_with_the_dvc_that_runs_it(
    tmp_path: Path, shell: bool, how: signal.Signals
) -> None:
    dvc = started(tmp_path, shell)
    assert dvc.stdout is not None
    assert dvc.stdout.readline() == b"begun\n"
    below = psutil.Process(dvc.pid).children(recursive=True)
    stage = next(process for process in below if "stage.py" in process.cmdline()[-1])
    dvc.send_signal(how)
    dvc.wait()
    try:
        _, alive = psutil.wait_procs([stage], timeout=20)
        assert not alive
    finally:
        for process in below:
            if process.is_running():
                process.kill()
    said = dvc.communicate()[0].decode()
    assert "stopped. Run again to go on" in said
    assert "Traceback" not in said


def test_a_stage_outlives_whoever_else_started_it(tmp_path: Path) -> None:
    (tmp_path / "stage.py").write_text(STAGE)
    environment = {name: value for name, value in os.environ.items() if name != "DVC_STAGE"}
    shell = subprocess.Popen(
        ["sh", "-c", f"{sys.executable} stage.py & echo $!; wait"],
        cwd=tmp_path,
        env={**environment, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
    )
    assert shell.stdout is not None
    stage = psutil.Process(int(shell.stdout.readline()))
    try:
        assert shell.stdout.readline() == b"begun\n"
        shell.kill()
        shell.wait()
        time.sleep(1.5)
        assert stage.is_running()
    finally:
        stage.kill()


@pytest.mark.parametrize("raised", ["KeyboardInterrupt", "ImportError('h5py') from stop"])
def test_ctrl_c_within_a_compiled_module_is_no_failure_of_that_module(raised: str) -> None:
    code = (
        f"import stages\ntry: raise KeyboardInterrupt\nexcept BaseException as stop: raise {raised}"
    )
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode != 0
    assert ended.stderr == "stopped. Run again to go on: finished work is kept.\n"


def test_ctrl_c_that_meets_a_place_which_cannot_raise_it_is_not_lost() -> None:
    code = """
import stages, time
class Callback:
    def __del__(self): raise KeyboardInterrupt
Callback()
time.sleep(30)
print("went on")
"""
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode != 0
    assert ended.stdout == ""
    assert ended.stderr == "stopped. Run again to go on: finished work is kept.\n"


@pytest.mark.parametrize("command", ["stages.train", "stages.cli train", "stages.cli plan summe"])
def test_ctrl_c_is_answered_by_one_sentence_while_the_imports_run_too(command: str) -> None:
    for hundredths in range(0, 130, 10):
        process = subprocess.Popen(
            [sys.executable, "-X", "importtime", "-m", *command.split()],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr is not None
        for line in process.stderr:
            if line.rpartition("|")[2].strip() == "stages":  # printed when all of it has run
                break
        time.sleep(hundredths / 100)
        process.send_signal(signal.SIGINT)
        said = "".join(line for line in process.stderr if not line.startswith("import time:"))
        assert process.wait() != 0 or "stopped" not in said
        assert "Traceback" not in said
        if process.returncode in (130, -signal.SIGINT):
            assert said.count("stopped. Run again to go on") == 1, (hundredths, said)

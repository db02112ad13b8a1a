"""A stage as a process of its own, which can be stopped at a moment."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).parent.parent.parent
POLL, GRACE, LIMIT = 0.002, 5.0, 300.0
"""Seconds: between two looks at a process that is to be stopped; for its children to end after
it; and after which a process that goes on is taken to hang."""

Look = Callable[[float], bool]
"""Given the seconds since a process began: whether the moment to stop it has come."""


@dataclass(frozen=True)
class Ended:
    """How a process ended.

    code: negative where a signal ended it. said: its standard error. stopped: it was still there
    when its moment came, which was after `moment` seconds. hung: it did not end by itself.
    survivors: processes of its group that went on after it.
    """

    code: int
    said: str
    seconds: float
    stopped: bool
    moment: float
    hung: bool
    survivors: tuple[str, ...]


def call(
    command: Sequence[str],
    where: Path,
    look: Look | None = None,
    number: signal.Signals = signal.SIGKILL,
) -> Ended:
    """Run a command of dvc.yaml in a project's folder; nothing of it is left when this returns.

    Args:
        command: its `python` is this process's.
        where: the project, which is DVC_ROOT, too.
        look: asked every few milliseconds; where it says so, the process and all its children
            are sent the signal.
        number: the signal.
    """
    began = time.monotonic()
    moment = 0.0
    stopped = hung = False
    # Not in the project: its disk may be full.
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as said:
        process = subprocess.Popen(
            [sys.executable, *command[1:]],
            cwd=where,
            env=os.environ | {"PYTHONPATH": str(ROOT), "DVC_ROOT": str(where), "COLUMNS": "500"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=said,
            start_new_session=True,
        )
        try:
            while look is not None and not stopped and process.poll() is None:
                moment = time.monotonic() - began
                hung = moment > LIMIT
                if look(moment) or hung:
                    _send(process.pid, signal.SIGKILL if hung else number)
                    stopped = True
                time.sleep(POLL)
            try:
                process.wait(LIMIT)
            except subprocess.TimeoutExpired:
                hung = True
        finally:
            if process.poll() is None:
                _send(process.pid, signal.SIGKILL)
            process.wait()
            seconds = time.monotonic() - began
            survivors = _survivors(process.pid)
            if survivors:
                _send(process.pid, signal.SIGKILL)
        said.seek(0)
        return Ended(
            process.returncode, said.read(), seconds, stopped, moment, hung, tuple(survivors)
        )


def _send(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, number)


def _survivors(group: int) -> list[str]:
    """Names of a group's processes that are still there when they have had time to end."""
    deadline = time.monotonic() + GRACE
    while (left := _members(group)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


def _members(group: int) -> list[str]:
    found = []
    for process in psutil.process_iter(["name", "status"]):
        with suppress(OSError):
            if os.getpgid(process.pid) == group and process.info["status"] != psutil.STATUS_ZOMBIE:
                found.append(str(process.info["name"]))
    return found


def start_up() -> float:
    """Seconds that the interpreter takes before it runs the first line of a program."""
    times = []
    for _ in range(3):
        began = time.monotonic()
        subprocess.run([sys.executable, "-c", ""], check=True)
        times.append(time.monotonic() - began)
    return max(times)

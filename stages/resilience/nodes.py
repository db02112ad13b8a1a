"""A Ray cluster of several machines that are one: a head and others, each a group of processes.

Every one has a temporary folder of its own, and what is kept in the cache of the frozen models is
its own too. One can be started where folders of the driver's are not to be seen.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from stages.errors import UserError
from stages.resilience.process import ROOT

STORE = 100_000_000
"""Bytes of a machine's object store; Ray wants 75 MB at least."""
PATIENCE = 60.0
"""Seconds for a machine to join."""
ENVIRONMENT = {
    "RAY_AUTH_MODE": "disabled",  # on the loopback alone
    "RAY_USAGE_STATS_ENABLED": "0",
    # A machine that is killed is missed after seconds rather than half a minute.
    "RAY_health_check_initial_delay_ms": "1000",
    "RAY_health_check_period_ms": "1000",
    "RAY_health_check_timeout_ms": "3000",
    "RAY_health_check_failure_threshold": "3",
}
"""Of every process of the cluster, its drivers included."""


_ENDING = (
    'parent=$1; shift; "$@" & while kill -0 $parent && kill -0 $!; do sleep 1; done 2>/dev/null; '
    "kill $! 2>/dev/null; wait $!"
)
"""A program that ends with the process which started it, however that ends."""


@dataclass(eq=False)
class Machine:
    """The process that holds all others of a machine, and its folder."""

    process: subprocess.Popen[bytes]
    folder: Path

    def processes(self) -> list[psutil.Process]:
        with suppress(psutil.NoSuchProcess):
            top = psutil.Process(self.process.pid)
            return [*top.children(recursive=True), top]
        return []

    def workers(self) -> list[int]:
        """Processes that hold a worker, or are about to."""
        found = []
        for each in self.processes():
            with suppress(psutil.Error):
                if each.name().startswith("ray::Actor"):
                    found.append(each.pid)
        return found

    def kill(self) -> None:
        """All at once, as when the power goes."""
        for each in self.processes():
            with suppress(psutil.NoSuchProcess):
                each.send_signal(signal.SIGKILL)
        self.process.wait()


class Cluster:
    """The machines, the head first. Use it in a `with` block, which leaves nothing behind."""

    def __init__(self, scratch: Path, cpus: int = 1, cache: Path | None = None) -> None:
        """
        Args:
            scratch: of the machines' folders.
            cpus: of each.
            cache: where their models are; None: each has a place of its own.
        """
        self._scratch, self._cpus, self._cache = scratch, cpus, cache
        self._port = _free_port()
        self.address = f"127.0.0.1:{self._port}"
        self.machines: list[Machine] = []

    @property
    def environment(self) -> dict[str, str]:
        """Of a driver."""
        return ENVIRONMENT | {"RAY_ADDRESS": self.address, "LLMVS_EXECUTOR": "ray"}

    def add(self, hidden: Sequence[Path] = ()) -> Machine:
        """Start a machine, the first time the head.

        Args:
            hidden: folders that are empty to it; needs root on Linux (`can_hide`).

        Raises:
            UserError: it does not join.
        """
        number = len(list(self._scratch.glob("machine-*")))
        folder = self._scratch / f"machine-{number}"
        folder.mkdir(parents=True)
        head = not self.machines
        command = [str(Path(sys.executable).with_name("ray")), "start", "--block"]
        command += ["--num-cpus", str(self._cpus), "--object-store-memory", str(STORE)]
        command += ["--node-ip-address", "127.0.0.1", "--disable-usage-stats"]
        if head:
            command += ["--head", "--port", str(self._port), "--include-dashboard=false"]
            command += ["--temp-dir", str(self._sessions)]
        else:
            command += ["--address", self.address]
            command = _unseeing([*hidden, self._sessions], command) if hidden else command
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("RAY_", "LLMVS_", "PYTHONPATH", "DVC_"))
        }
        cache = str(self._cache or folder / "cache")
        with (folder / "said").open("wb") as said:
            process = subprocess.Popen(
                ["sh", "-c", _ENDING, "sh", str(os.getpid()), *command],
                cwd=folder,
                env=environment | ENVIRONMENT | {"LLMVS_CACHE": cache},
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        machine = Machine(process, folder)
        self.machines.append(machine)
        deadline = time.monotonic() + PATIENCE
        while b"--block" not in (folder / "said").read_bytes():
            if process.poll() is not None or time.monotonic() > deadline:
                said_last = (folder / "said").read_text(errors="replace").strip()[-500:]
                raise UserError(f"a machine of the cluster does not start: {said_last}")
            time.sleep(0.1)
        return machine

    @property
    def _sessions(self) -> Path:
        # A socket's path may have a hundred characters.
        return Path(tempfile.gettempdir()) / f"ray_cluster_{self._port}"

    def __enter__(self) -> "Cluster":
        return self

    def __exit__(self, *_: object) -> None:
        for machine in reversed(self.machines):
            machine.kill()
        shutil.rmtree(self._sessions, ignore_errors=True)


def can_hide() -> str:
    """Why folders cannot be hidden from a machine here; "" where they can."""
    if sys.platform != "linux" or os.geteuid() != 0 or not shutil.which("unshare"):
        return "hiding folders from a process needs root on Linux, and unshare"
    tried = subprocess.run(
        ["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", tempfile.gettempdir()],
        capture_output=True,
        check=False,
    )
    return "" if tried.returncode == 0 else f"unshare: {tried.stderr.decode().strip()}"


def checkout() -> list[Path]:
    """The folders of this repository, but for the one that Python itself runs from."""
    prefix = Path(sys.prefix).resolve()
    if not prefix.is_relative_to(ROOT):
        return [ROOT]
    return [
        path for path in sorted(ROOT.iterdir()) if path.is_dir() and not prefix.is_relative_to(path)
    ]


def _unseeing(hidden: Sequence[Path], command: Sequence[str]) -> list[str]:
    """A command in a mount namespace of its own, with an empty file system over each folder."""
    script = 'while [ "$1" != -- ]; do mkdir -p "$1"; mount -t tmpfs tmpfs "$1" || exit 1; shift; '
    script += 'done; shift; cd /; exec "$@"'
    return ["unshare", "--mount", "sh", "-c", script, "sh", *map(str, hidden), "--", *command]


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port

"""A stage as a process of its own, as under DVC: its seconds and its peak memory.

The peak is what the system says of the process and of those that it waited for, whichever is
largest. A process begins with the memory of the one that starts it, so whoever measures loads
nothing large.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from stages.errors import UserError

ROOT = Path(__file__).parent.parent.parent
"""Of the code that is measured."""


class Taken(NamedTuple):
    """Wall seconds and peak bytes of a process."""

    seconds: float
    peak: int


def run(root: Path, arguments: Sequence[str], **environment: str) -> Taken:
    """Run a module with its arguments.

    Args:
        root: folder to work in, with params.yaml; the work store is kept there.
        arguments: the module's name, then what it is given.
        environment: added to this process's own.

    Raises:
        UserError: it fails; with its last words.
    """
    added = {
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
        "DVC_ROOT": str(root),
    }
    with tempfile.TemporaryFile() as said:
        started = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            cwd=root, env=os.environ | added | environment, stdout=said, stderr=said,
        )  # fmt: skip
        _, status, used = os.wait4(process.pid, 0)
        taken = Taken(time.perf_counter() - started, used.ru_maxrss * 1024)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            words = said.read().decode(errors="replace").strip().splitlines() or ["it was killed"]
            raise UserError(f"python -m {' '.join(arguments)}: {words[-1]}")
    return taken

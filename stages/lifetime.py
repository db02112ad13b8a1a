"""How a process of this package ends when it is told to, from its very first line on.

Imported with the package, before anything that takes seconds to import, so that a stage that is
stopped meanwhile ends as one that is stopped at work does.
"""

import _thread
import contextlib
import os
import signal
import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any

STOPPED = "stopped. Run again to go on: finished work is kept."

_AGAIN = 0.01
"""Seconds until Ctrl-C comes once more that met a place which cannot raise it, such as what the
import system does when a module's lock is let go of.
"""

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def bind() -> None:
    """Answer Ctrl-C with one sentence, and end with the `dvc` that started this process.

    DVC that is told to stop, or killed, leaves the stage that it runs at work. On Linux the system
    tells a process of its parent's end; elsewhere, and where a shell stands between the two, a
    thread watches for it.
    """
    _answer_interruption()
    if "DVC_STAGE" not in os.environ:  # DVC sets it for the commands it runs, and nobody else
        return
    if sys.platform == "linux":
        import ctypes

        with contextlib.suppress(OSError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    above = _up_to_dvc()
    if above and above[0].pid == 1 and not _is_dvc(above[0]):  # whom orphans are given to
        raise SystemExit("stopped: the dvc that started this stage is no more")
    threading.Thread(target=_watch, args=(above,), daemon=True).start()


def _answer_interruption() -> None:
    usual = sys.excepthook

    def answer(
        kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        if _interrupted(error):
            print(STOPPED, file=sys.stderr)
        else:
            usual(kind, error, trace)

    sys.excepthook = answer
    ignored = sys.unraisablehook

    def again(what: "sys.UnraisableHookArgs") -> None:
        if _interrupted(what.exc_value):
            # Not from here: it would meet the very place that has just swallowed it.
            threading.Timer(_AGAIN, _thread.interrupt_main).start()
        else:
            ignored(what)

    sys.unraisablehook = again


def _interrupted(error: BaseException | None) -> bool:
    """Whether Ctrl-C is behind an error: what it meets within a library's compiled module comes
    out as that library's own failure to be imported, caused by it.
    """
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


def _up_to_dvc() -> list[Any]:
    """The processes above this one up to DVC's, the nearest first; the parent where none is."""
    import psutil

    above: list[Any] = psutil.Process().parents()
    for place, process in enumerate(above):
        if _is_dvc(process):
            return above[: place + 1]
    return above[:1]


def _is_dvc(process: Any) -> bool:
    import psutil

    try:
        words = process.cmdline()
    except psutil.Error:
        return False
    return any(Path(word).name in ("dvc", "dvc.exe") for word in words[:4])


def _watch(above: list[Any]) -> None:
    while all(map(_lives, above)):
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGTERM)


def _lives(process: Any) -> bool:
    import psutil

    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False

"""How a stage becomes a command: logging, one clear message for each failure, exit codes.

A stage file ends with

    if __name__ == "__main__":
        command.run(embed)

and `stages.cli` puts the same functions under `llmvs`.
"""

import errno
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import wraps
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import typer
from rich.console import Console
from rich.logging import RichHandler
from rich.markup import escape

from stages import outputs
from stages.errors import UserError
from stages.lifetime import STOPPED
from stages.work import allowance, runs
from stages.work.claims import claimed
from stages.work.edition import edition
from stages.work.files import DiskFullError, is_full
from stages.work.store import Store

# Read when torch is first imported. Threads that spin while they wait for one another take a
# processor from whoever else is at work, another experiment of a queue for one.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
if (_threads := allowance.threads()) is not None:
    os.environ.setdefault("OMP_NUM_THREADS", str(_threads))

if os.environ.get("LLMVS_EXECUTOR") == "ray":
    edition()  # of the sources as they are now, whatever becomes of them before workers begin

BEGAN = time.monotonic()
"""Nearly when the process did: a stage imports this module before anything heavy."""

MAIN_OUTPUT = ("out", "predictions", "frames_to", "timeline")
"""The argument of a stage that names what it chiefly makes, the first that it has."""

stderr = Console(stderr=True, soft_wrap=True, emoji=False)


def set_up_logging() -> None:
    """Send `llmvs` records of level INFO and above to standard error."""
    handler = RichHandler(console=stderr, show_path=False, log_time_format="%H:%M:%S")
    logger = logging.getLogger("llmvs")
    logger.handlers[:] = [handler]
    logger.setLevel(logging.INFO)
    logger.propagate = False


class _ToldToStopError(BaseException):
    """SIGTERM or SIGHUP came. Not an Exception, or what catches those would go on."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextmanager
def reported() -> Iterator[None]:
    """Turn what goes wrong into one message and a non-zero exit code.

    A stage that was told to stop must not exit 0: DVC would commit its half-made output.
    """
    try:
        yield
    except (UserError, OSError) as error:
        if (told := said(error)) is None:
            raise
        _fail(told, error)
    except KeyboardInterrupt as error:
        _stop(signal.SIGINT, error)
    except _ToldToStopError as error:
        _stop(error.number, error)
    except SystemExit as error:
        # What typer makes of an interruption while it reads the command line.
        if error.code == _INTERRUPTED and not isinstance(error, _SaidExit):
            _stop(signal.SIGINT, error)
        raise


def said(error: UserError | OSError) -> str | None:
    """What a person is told of an error; None where they could not put it right."""
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, DiskFullError):
        return _full(error)
    if is_full(error):
        return _full(DiskFullError(error.filename or Path.cwd()))
    if error.errno not in _REFUSED or error.filename is None:
        return None
    return f"{error.filename} cannot be written or read: {error.strerror}"


_REFUSED = (
    *(errno.EACCES, errno.EPERM, errno.EROFS, errno.EFBIG, errno.EIO, errno.ENAMETOOLONG),
    *(errno.EISDIR, errno.ENOTDIR, errno.EEXIST),
)


_INTERRUPTED = 128 + signal.SIGINT


class _SaidExit(SystemExit):
    """The end of a process that has said why."""


def _fail(told: str, error: Exception) -> NoReturn:
    _say("[bold red]error:[/]", told)
    raise _SaidExit(1) from error


def _stop(number: int, error: BaseException) -> NoReturn:
    head, _, told = STOPPED.partition(" ")
    _say(f"[bold red]{head}[/]", told)
    raise _SaidExit(128 + number) from error


def _say(head: str, told: str) -> None:
    hint = outputs.remedy()
    stderr.print(f"{head} {escape(told)}" + (f"\n{escape(hint)}" if hint else ""))


def _full(error: DiskFullError) -> str:
    sizes = ""
    if error.free is not None:
        sizes = f" ({_size(error.free)} free"
        sizes += f", {_size(error.needed)} needed)" if error.needed is not None else ")"
    standing = runs.standing()
    return (
        f"the disk is full: no room for {error.filename}{sizes}. Nothing finished is lost"
        f"{f', {standing} are kept' if standing else ''}. Free some space and run again; "
        "`llmvs gc` drops what neither an output nor an unfinished stage needs, and with --films "
        "what is kept of films of your own."
    )


def _size(count: int) -> str:
    for unit, size in (("GB", 1e9), ("MB", 1e6)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count / 1e3:.1f} kB"


def _terminate(number: int, frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_IGN)  # once is enough: a second would end the sentence
    raise _ToldToStopError(number)


def unwound() -> None:
    """Have this process unwind before it ends, where it is told to stop or its terminal goes."""
    signal.signal(signal.SIGTERM, _terminate)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:  # under nohup it is ignored
        signal.signal(signal.SIGHUP, _terminate)


def staged(function: Callable[..., Any]) -> Callable[..., Any]:
    """A stage as it runs however it was called: alone at work on its output, told to stop it exits
    non-zero, and when it is done it records what it took (`stages.work.runs`).
    """

    @wraps(function)
    def stage(**given: Any) -> None:
        unwound()
        output = next((given[name] for name in MAIN_OUTPUT if given.get(name)), None)
        root = Store.default().root
        # Here, as typer would turn an interruption into an exit code without a word.
        with reported(), claimed(root, output) if isinstance(output, Path) else nullcontext():
            function(**given)
        if isinstance(output, Path):
            seconds = time.monotonic() - BEGAN
            runs.keep(root, function.__name__, output, seconds)

    return stage


def run(function: Callable[..., Any]) -> None:
    """Run one typer command function as this process's program."""
    set_up_logging()
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(staged(function))
    with reported():
        app(prog_name=f"python -m stages.{sys.argv[0].rsplit('/', 1)[-1].removesuffix('.py')}")

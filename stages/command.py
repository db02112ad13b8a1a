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
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from types import FrameType
from typing import Any

import typer
from rich.console import Console
from rich.logging import RichHandler
from rich.markup import escape

from stages.errors import UserError
from stages.work import runs
from stages.work.store import Store

# Read when torch is first imported. Threads that spin while they wait for one another take a
# processor from whoever else is at work, another experiment of a queue for one.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

BEGAN = time.monotonic()
"""Nearly when the process did: a stage imports this module before anything heavy."""

MAIN_OUTPUT = ("out", "predictions", "frames_to", "timeline")
"""The argument of a stage that names what it chiefly makes, the first that it has."""

stderr = Console(stderr=True, soft_wrap=True)


def set_up_logging() -> None:
    """Send `llmvs` records of level INFO and above to standard error."""
    handler = RichHandler(console=stderr, show_path=False, log_time_format="%H:%M:%S")
    logger = logging.getLogger("llmvs")
    logger.handlers[:] = [handler]
    logger.setLevel(logging.INFO)
    logger.propagate = False


@contextmanager
def reported() -> Iterator[None]:
    """Turn what goes wrong into one message and a non-zero exit code.

    A stage that was told to stop must not exit 0: DVC would commit its half-made output.
    """
    try:
        yield
    except UserError as error:
        stderr.print(f"[bold red]error:[/] {escape(str(error))}")
        raise SystemExit(1) from error
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        where = f" while writing {error.filename}" if error.filename else ""
        stderr.print(
            f"[bold red]error:[/] the disk is full{where}. Free some space "
            "(`llmvs gc` drops work no output uses) and run again: finished work is kept."
        )
        raise SystemExit(1) from error
    except KeyboardInterrupt as error:
        stderr.print("[bold red]stopped.[/] Run again to go on: finished work is kept.")
        raise SystemExit(130) from error


def _terminate(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def staged(function: Callable[..., Any]) -> Callable[..., Any]:
    """A stage as it runs however it was called: told to stop it exits non-zero, and when it is
    done it records what it took (`stages.work.runs`).
    """

    @wraps(function)
    def stage(**given: Any) -> None:
        signal.signal(signal.SIGTERM, _terminate)
        # Here, as typer would turn an interruption into an exit code without a word.
        with reported():
            function(**given)
        output = next((given[name] for name in MAIN_OUTPUT if given.get(name)), None)
        if isinstance(output, Path):
            seconds = time.monotonic() - BEGAN
            runs.keep(Store.default().root, function.__name__, output, seconds)

    return stage


def run(function: Callable[..., Any]) -> None:
    """Run one typer command function as this process's program."""
    set_up_logging()
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(staged(function))
    with reported():
        app(prog_name=f"python -m stages.{sys.argv[0].rsplit('/', 1)[-1].removesuffix('.py')}")

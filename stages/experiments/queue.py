"""Missing rows through DVC's queue: put in, started, waited for."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from stages.errors import UserError
from stages.experiments import freshness
from stages.experiments.revisions import Revision
from stages.experiments.table import Experiment

POLL_SECONDS = 3.0
_STRANDED_SECONDS = 60.0
"""Without a change until it is asked whether any worker is left."""
_SILENT = 3
"""Times that none answers until none is: a busy machine may keep one from it."""

Say = Callable[[str], None]


def _dvc(*arguments: str) -> None:
    # Into a file: the workers that `dvc queue start` leaves behind hold on to its output, and a
    # pipe would not end before they do.
    with tempfile.TemporaryFile("w+", encoding="utf-8") as output:
        done = subprocess.run(
            [sys.executable, "-m", "dvc", *arguments],
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
        if done.returncode:
            output.seek(0)
            raise UserError(f"`dvc {' '.join(arguments)}` failed: {output.read().strip()}")


def _tasks() -> list[dict[str, Any]]:
    """Every task of the queue: rev, name, status (Queued, Running, Success, Failed)."""
    from dvc.repo import Repo

    with Repo() as repo:
        found: list[dict[str, Any]] = repo.experiments.celery_queue.status()
    return found


def measure(experiments: Sequence[Experiment], workers: int, say: Say, now: Say) -> None:
    """Run the experiments through DVC's queue and wait for all of them.

    What is queued or running under an experiment's name already is waited for, not queued again.
    say is told what happened, now the present state over and over. Raises UserError where DVC
    refuses, or where an experiment fails, once all have ended, naming them and how to read why.
    """
    before = _tasks()
    waiting = {
        task["name"]: task["rev"] for task in before if task["status"] in ("Queued", "Running")
    }
    for experiment in experiments:
        if experiment.name in waiting:
            _as_wanted(experiment, waiting[experiment.name])
    for experiment in experiments:
        if experiment.name in waiting:
            say(f"{experiment.name}: in the queue already")
            continue
        _dvc(*experiment.arguments("--queue"))
        say(f"{experiment.name}: queued")
    names = {experiment.name for experiment in experiments}
    ended = {task["rev"] for task in before} - set(waiting.values())
    # One may have failed already where workers were at work before.
    pending = {
        task["rev"]: task["name"]
        for task in _tasks()
        if task["name"] in names and task["rev"] not in ended
    }
    _dvc("queue", "start", "--jobs", str(workers))
    failed = _wait(pending, say, now)
    if failed:
        logs = ", ".join(f"`dvc queue logs {name}`" for name in failed)
        raise UserError(f"{len(failed)} of {len(pending)} experiments failed; read why: {logs}")


def _as_wanted(experiment: Experiment, rev: str) -> None:
    """Raises UserError where what is queued under an experiment's name has other settings."""
    queued = Revision(experiment.name, rev)
    others = freshness.other_params(
        queued, experiment.dataset, experiment.model, experiment.overrides
    )
    if others:
        raise UserError(
            f"{experiment.name} is in the queue with other params ({others}); take it out (`dvc "
            f"queue remove {experiment.name}`, or `dvc queue kill {experiment.name}` where it "
            "runs) and run this again"
        )


def _at_work() -> bool:
    """Whether any worker of the queue answers."""
    from dvc.repo import Repo

    with Repo() as repo:
        return bool(repo.experiments.celery_queue.worker_status())


def _wait(pending: Mapping[str, str], say: Say, now: Say) -> list[str]:
    """Names of the experiments that failed, once none is queued or running."""
    began = moved = time.monotonic()
    silent = 0
    state = dict.fromkeys(pending, "Queued")
    while any(status in ("Queued", "Running") for status in state.values()):
        time.sleep(POLL_SECONDS)
        there = {task["rev"]: task["status"] for task in _tasks()}
        at = time.monotonic()
        for rev, name in pending.items():
            # Between leaving the queue and being listed as ended a task is nowhere for a moment.
            status = there.get(rev, state[rev])
            if status != state[rev]:
                moved = at
                state[rev] = status
                say(f"{name}: {status.lower()} after {at - began:.0f} s")
        if at - moved > _STRANDED_SECONDS:
            silent = 0 if _at_work() else silent + 1
            if silent == _SILENT:
                raise UserError(_stranded(pending, state))
            if not silent:
                moved = at
        ended = sum(status not in ("Queued", "Running") for status in state.values())
        running = [pending[rev] for rev, status in state.items() if status == "Running"]
        now(f"{ended} of {len(pending)} done, {at - began:.0f} s; running {', '.join(running)}")
    return [pending[rev] for rev, status in state.items() if status != "Success"]


def _stranded(pending: Mapping[str, str], state: Mapping[str, str]) -> str:
    """What to do where no worker is left. DVC goes on calling running what one left behind."""
    left = [pending[rev] for rev, status in state.items() if status == "Running"]
    kill = f"; `dvc queue kill {' '.join(left)}` ends what one left unfinished" if left else ""
    return (
        f"the queue's workers have stopped{kill}; then run this again: what is queued is not "
        "queued twice"
    )

"""`llmvs trial`: proof on this machine that nothing finished is lost.

Everything heavy is imported where it is called, so that `llmvs --help` answers at once.
"""

import os
import signal
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from stages.errors import UserError

if TYPE_CHECKING:
    from stages.resilience.outcomes import Trial

app = typer.Typer(
    no_args_is_help=True,
    help="Proof on this machine that nothing finished is lost: the stages run on a small copy of "
    "the demo, and are killed, find the disk full or the work store damaged.",
)


class Stop(StrEnum):
    """The signals that stop a stage."""

    KILL = "KILL"
    TERM = "TERM"
    INT = "INT"


Stages = Annotated[list[str] | None, typer.Argument(metavar="[STAGE]...", help="all, without one")]
Seed = Annotated[int, typer.Option(help="of all that is drawn")]
Folder = Annotated[
    Path | None, typer.Option(help="a new or empty one, kept; without it, a temporary one")
]


@app.command()
def kill(
    stages: Stages = None,
    times: Annotated[int, typer.Option(min=1, help="trials a stage")] = 20,
    seed: Seed = 0,
    number: Annotated[Stop, typer.Option("--signal", help="what the stage is sent")] = Stop.KILL,
    folder: Folder = None,
) -> None:
    """Stop each stage at random moments and run it again: the same bytes, and done twice at most
    what was not written yet.

    Half of the moments are near the end or while files are written; half of the times the work
    store holds what the stage made before.
    """
    from stages.resilience import interruption, reference

    console, names = Console(stderr=True, emoji=False), stages or []
    planned = reference.planned(names)
    with _scratch(folder) as scratch:
        known = reference.make(scratch / "project", scratch / "reference", planned, console)
        made = known.of(names)
        sent = signal.Signals[f"SIG{number}"]
        found = interruption.trials(known, made, times, seed, sent)
        count, seconds = times * len(made), interruption.seconds(made, times)
        _tell(f"Stopped by {sent.name}", "stage", found, count, seconds, console)


@app.command()
def disk(
    stages: Stages = None,
    times: Annotated[int, typer.Option(min=1, help="trials a stage")] = 10,
    seed: Seed = 0,
    folder: Folder = None,
) -> None:
    """Run each stage on a disk that is too small, do what its message says, run it again.

    Needs a small file system: root on Linux has one mounted, others name a folder on one. Where
    there is none the exit code is 2.
    """
    from stages.resilience import full_disk, reference, volume

    console, names = Console(stderr=True, emoji=False), stages or []
    planned = reference.planned(names)
    try:
        with _scratch(folder) as scratch, volume.small(scratch) as place:
            known = reference.make(place / "project", scratch / "reference", planned, console)
            made = known.of(names)
            found = full_disk.trials(known, made, times, seed, place)
            count, seconds = times * len(made), full_disk.seconds(made, times)
            _tell("On a full disk", "stage", found, count, seconds, console)
    except volume.UnavailableError as error:
        console.print(f"[bold red]error:[/] {escape(str(error))}", soft_wrap=True)
        raise SystemExit(2) from error


@app.command()
def damage(
    times: Annotated[int, typer.Option(min=1, help="items damaged and asked for")] = 1000,
    seed: Seed = 0,
    folder: Folder = None,
) -> None:
    """Damage items of the work store: it must answer what was put there, or that it has none.

    Then, for each kind of damage, the embed stage is run over a store with several such items.
    """
    from itertools import chain

    from stages.resilience import damage, reference

    console = Console(stderr=True, emoji=False)
    planned = reference.planned(["embed"])
    with _scratch(folder) as scratch:
        known = reference.make(scratch / "project", scratch / "reference", planned, console)
        embed = known.made["embed"]
        found = chain(damage.asked(known.kept.store, times, seed), damage.rerun(known, embed, seed))
        reruns = len(damage.kinds())
        count, seconds = times + reruns, reruns * embed.anew
        _tell("A damaged work store", "damage", found, count, seconds, console)


@app.command()
def cluster(
    stages: Annotated[
        list[str] | None,
        typer.Argument(metavar="[STAGE]...", help="caption, embed (default: both)"),
    ] = None,
    times: Annotated[int, typer.Option(min=1, help="trials of each kind, a stage")] = 10,
    seed: Seed = 0,
    folder: Folder = None,
) -> None:
    """Spread stages over a Ray cluster of two machines that are this one, and kill a worker, a
    machine or the driver at random moments: the same bytes, and nothing done twice but what a
    worker held.
    """
    from stages.resilience import deaths, reference
    from stages.resilience.nodes import Cluster
    from stages.work.cache import cache

    # A machine has one processor: with as many threads everywhere the bits are the same.
    os.environ["OMP_NUM_THREADS"] = "1"
    console, names = Console(stderr=True, emoji=False), stages or ["caption", "embed"]
    planned = reference.planned(names)
    with _scratch(folder) as scratch, Cluster(scratch, cache=cache()) as machines:
        known = reference.make(scratch / "project", scratch / "reference", planned, console, True)
        made = known.of(names)
        found = deaths.trials(known, made, times, seed, machines)
        count, seconds = len(deaths.KINDS) * times * len(made), deaths.seconds(made, times)
        _tell("Of a cluster", "what was killed", found, count, seconds, console)


@contextmanager
def _scratch(folder: Path | None) -> Iterator[Path]:
    """Where trials are held. Told to stop, this process too clears up before it goes."""
    signal.signal(signal.SIGTERM, _terminated)
    if folder is None:
        with tempfile.TemporaryDirectory(prefix="llmvs-trial-") as temporary:
            yield Path(temporary).resolve()
        return
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise UserError(f"{folder} is not empty; name a new folder for the trials")
    yield folder.resolve()


def _terminated(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def _tell(
    title: str, first: str, found: "Iterator[Trial]", count: int, seconds: float, console: Console
) -> None:
    """Hold the trials and print what they found; exit code 1 where something was lost."""
    from stages.resilience import outcomes
    from stages.work.bar import progress

    time = f"{seconds:.0f} seconds" if seconds < 100 else f"{seconds / 60:.0f} minutes"
    console.print(f"{count} trials, about {time}.")
    with progress(console) as bar:
        held: Sequence[Trial] = list(bar.track(found, total=count, description="trials"))
    if not outcomes.tell(title, first, held, Console(emoji=False)):
        raise SystemExit(1)

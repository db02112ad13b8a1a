"""What trials found, and how it is told."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.markup import escape
from rich.table import Table

TAIL, WIDTH, EXAMPLES = 8, 200, 20
"""Lines of standard error that are shown of a failure, how much of each, and how many failures."""


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong: which kind of wrong, and how it shows here."""

    what: str
    detail: str = ""


@dataclass(frozen=True)
class Trial:
    """One trial as it ended; without a fault nothing was lost.

    of: the stage, or the kind of damage. moment: when, and in which state of the project. said:
    the standard error that bears on the faults. struck: what was to happen to it did; a stage may
    be done before its moment comes, or have room enough.
    """

    of: str
    command: str
    moment: str
    faults: tuple[Fault, ...]
    said: str = ""
    struck: bool = True


def table(title: str, first: str, trials: Sequence[Trial]) -> Table:
    """A row a stage or a kind of damage, headed `first`: trials, failures, what failed."""
    told = Table(first, "trials", "struck", "failures", "what failed, in how many", title=title)
    for of in dict.fromkeys(trial.of for trial in trials):
        mine = [trial for trial in trials if trial.of == of]
        failed = [trial for trial in mine if trial.faults]
        counted = Counter(what for trial in failed for what in {f.what for f in trial.faults})
        what = "\n".join(f"{what}: {count}" for what, count in counted.most_common())
        numbers = (len(mine), sum(trial.struck for trial in mine), len(failed))
        told.add_row(of, *map(str, numbers), what, style="red" if failed else "")
    return told


def examples(trials: Sequence[Trial]) -> list[Trial]:
    """Of each stage the first trials that show every kind of fault it has."""
    known: set[tuple[str, str]] = set()
    found = []
    for trial in trials:
        kinds = {(trial.of, fault.what) for fault in trial.faults}
        if kinds - known:
            found.append(trial)
            known |= kinds
    return found


def tell(title: str, first: str, trials: Sequence[Trial], console: Console) -> bool:
    """Print examples of what failed, and the table; whether nothing did."""
    shown = examples(trials)
    for trial in shown[:EXAMPLES]:
        _print(trial, console)
    if len(shown) > EXAMPLES:
        console.print(f"… and {len(shown) - EXAMPLES} more that show something else")
    console.print(table(title, first, trials))
    return not shown


def _print(trial: Trial, console: Console) -> None:
    console.print(f"[bold red]{trial.of}[/]  {escape(trial.moment)}", soft_wrap=True)
    lines = [f"  {trial.command}"]
    lines += [f"  - {fault.what}: {fault.detail}".rstrip(": ") for fault in trial.faults]
    said = trial.said.strip().splitlines()[-TAIL:]
    lines += [f"  | {line.strip()}"[:WIDTH] for line in said]
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)

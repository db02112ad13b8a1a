"""What trials found, and how it is told."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.markup import escape
from rich.table import Table

TAIL, EXAMPLES = 12, 20
"""Lines of standard error that are shown of a failure, and failures that are shown."""


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong: which kind of wrong, and how it shows here."""

    what: str
    detail: str = ""


@dataclass(frozen=True)
class Trial:
    """One trial as it ended; without a fault nothing was lost.

    of: the stage, or the kind of damage. moment: when, and in which state of the project. said:
    the standard error that bears on the faults.
    """

    of: str
    command: str
    moment: str
    faults: tuple[Fault, ...]
    said: str = ""


def table(title: str, first: str, trials: Sequence[Trial]) -> Table:
    """A row a stage or a kind of damage, headed `first`: trials, failures, what failed."""
    told = Table(first, "trials", "failures", "what failed, in how many", title=title)
    for of in dict.fromkeys(trial.of for trial in trials):
        mine = [trial for trial in trials if trial.of == of]
        failed = [trial for trial in mine if trial.faults]
        counted = Counter(what for trial in failed for what in {f.what for f in trial.faults})
        what = "\n".join(f"{what}: {count}" for what, count in counted.most_common())
        told.add_row(of, str(len(mine)), str(len(failed)), what, style="red" if failed else "")
    return told


def examples(trials: Sequence[Trial]) -> list[tuple[Trial, Fault]]:
    """The first trial of each stage that shows each kind of fault."""
    found: dict[tuple[str, str], tuple[Trial, Fault]] = {}
    for trial in trials:
        for fault in trial.faults:
            found.setdefault((trial.of, fault.what), (trial, fault))
    return list(found.values())


def tell(title: str, first: str, trials: Sequence[Trial], console: Console) -> bool:
    """Print the table, and an example of each failure; whether there is none."""
    shown = examples(trials)
    for trial, fault in shown[:EXAMPLES]:
        console.print(
            f"[bold red]{trial.of}: {fault.what}[/]  {escape(fault.detail)}", soft_wrap=True
        )
        console.print(f"  {trial.command}\n  {trial.moment}", markup=False, soft_wrap=True)
        for line in trial.said.strip().splitlines()[-TAIL:]:
            console.print(f"  | {line.rstrip()}", markup=False, highlight=False, soft_wrap=True)
    if len(shown) > EXAMPLES:
        console.print(f"… and {len(shown) - EXAMPLES} kinds of failure more")
    console.print(table(title, first, trials))
    return not shown

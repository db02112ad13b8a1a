"""The progress bar on standard error: what, how many, how fast, how long still."""

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

_WINDOW = 300.0
"""Seconds that a rate is taken over: one long video, or one run of training, takes minutes."""


class _Done(MofNCompleteColumn):
    def render(self, task: Task) -> Text:
        fields = task.fields
        if "wanted" not in fields:
            return super().render(task)
        return Text(f"{fields['done']}/{fields['wanted']}", style="progress.download")


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        unit = task.fields.get("unit") or ""
        decimals = 0 if (task.speed or 0) >= 100 else 1
        speed = f"{task.speed:,.{decimals}f}" if task.speed else "-"
        return Text(f"{speed} {unit}".strip() + "/s", style="cyan")


def progress(console: Console | None = None) -> Progress:
    """A progress bar, to be shown while its block lasts."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        _Done(),
        _Rate(),
        TimeRemainingColumn(),
        console=console or Console(stderr=True),
        speed_estimate_period=_WINDOW,
    )


class Counted:
    """A row of a bar that counts things and goes by what they cost, so that its rate and the time
    that is left are right where some are longer than others.
    """

    def __init__(
        self, bar: Progress, noun: str, wanted: int, cost: int, unit: str | None = None
    ) -> None:
        """wanted: how many things. cost: of all of them, in `unit`; None counts the things."""
        self._bar, self._done = bar, 0
        self._row = bar.add_task(noun, total=cost, done=0, wanted=wanted, unit=unit)

    def advance(self, cost: int) -> None:
        """One more is done, which was to cost so much."""
        self._done += 1
        self._bar.update(self._row, advance=cost, done=self._done)

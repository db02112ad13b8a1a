"""`llmvs check`: every check of a recipe, and their table."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from stages.artifacts.places import Places
from stages.checking import data, models
from stages.checking.finding import Finding, State, found
from stages.checking.recipe import Dataset
from stages.checking.room import Room
from stages.params import Params, Recipe

STYLES: dict[State, str] = {"ok": "green", "problem": "bold red", "not yet known": "yellow"}


def findings(
    settings: Params, name: str, recipe: Recipe, folder: Path, work: Path
) -> Iterator[Finding]:
    """Everything that can be told of a recipe now. Nothing is fetched, no weights are read.

    Args:
        settings: whose `run.models` are trained.
        folder: of all datasets, `data`.
        work: of what was fetched.
    """
    dataset = Dataset(name, recipe, Places(folder / name), work)
    yield found("scorers' inputs", lambda: models.scorers(settings, dataset))
    yield found("annotations", lambda: data.annotations(dataset))
    yield found("shots", lambda: data.shots(dataset))
    yield found(f"given {recipe.given.kind}", lambda: data.given(dataset))
    yield found("people", lambda: data.people(dataset))
    yield found("splits", lambda: data.folds(dataset))
    yield found("prompts", lambda: models.prompts(dataset))
    yield found("fine-tuning", lambda: models.tuned(dataset))
    yield from of_machine(Room(settings, dataset, folder))


def of_machine(room: Room) -> Iterator[Finding]:
    """What this machine can do of a recipe. Nothing is fetched, no weights are read."""
    yield found("memory", room.memory)
    yield found("time", room.time)
    yield found("disk", room.disk)


def table(by_dataset: Mapping[str, Sequence[Finding]]) -> Table:
    """For people to read."""
    shown = Table(title="llmvs check")
    for column in ("dataset", "what", "state", "said"):
        shown.add_column(column, overflow="fold")
    for dataset, each in by_dataset.items():
        for one in each:
            state = f"[{STYLES[one.state]}]{one.state}[/]"
            shown.add_row(escape(dataset), one.subject, state, escape(one.said))
        shown.add_section()
    return shown

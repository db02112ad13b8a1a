"""The reference run: what every stage makes where nothing goes wrong, and how long it takes."""

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from stages.errors import UserError
from stages.resilience.pipeline import Step, chosen, steps
from stages.resilience.process import ROOT, call
from stages.resilience.project import DATASET, MODEL, Project
from stages.work.bar import progress


@dataclass(frozen=True)
class Made:
    """What a stage made.

    outputs: sha256 a file. items: those it brought into the work store. anew, again: seconds with
    nothing of it in the store, and with everything.
    """

    step: Step
    outputs: dict[str, str]
    items: tuple[str, ...]
    anew: float
    again: float


@dataclass(frozen=True)
class Reference:
    """The project as the reference run left it, `kept`, and a `project` to try things in."""

    kept: Project
    project: Project
    made: dict[str, Made]

    def of(self, names: list[str]) -> list[Made]:
        """The stages named; all of them where none is."""
        return [made for stage, made in self.made.items() if not names or stage in names]

    def restore(self) -> Project:
        """The project as it was."""
        self.project.become(self.kept)
        return self.project


def planned(names: list[str]) -> list[Step]:
    """The stages named, and those before them. Raises UserError for what is no stage."""
    every = steps(ROOT, DATASET, MODEL)
    return every[: every.index(chosen(every, names)[-1]) + 1]


def make(
    folder: Path, kept: Path, planned: list[Step], console: Console, finely: bool = False
) -> Reference:
    """Run the stages one after another in a new project, and once more over a full store.

    Args:
        folder: to hold the project.
        kept: to hold its copy.
        finely: as `project.recipe`.

    Raises:
        UserError: a stage fails, or makes other bytes the second time.
    """
    console.print(
        f"The reference run of {planned[-1].stage} and what it needs, twice: a few seconds a stage."
    )
    project = Project.new(folder, finely)
    ran: list[tuple[Step, float, tuple[str, ...]]] = []
    with progress(console) as bar:
        for step in bar.track(planned, description="reference"):
            before = project.items()
            seconds = _run(step, project)
            ran.append((step, seconds, tuple(sorted(project.items().keys() - before))))
        copy = Project(kept)
        copy.become(project)
        made = {}
        for step, seconds, items in bar.track(ran, description="once more"):
            # A record of what a stage took stands in the report, and a second run may change it.
            project.become(copy)
            project.remove(step.outputs)
            again = _run(step, project)
            outputs = copy.outputs(step)
            if project.outputs(step) != outputs:
                raise UserError(f"{step}: makes other bytes when it is run again")
            made[step.stage] = Made(step, outputs, items, seconds, again)
    return Reference(copy, project, made)


def _run(step: Step, project: Project) -> float:
    ended = call(step.command, project.root)
    if ended.code or not project.outputs(step):
        words = ended.said.strip().splitlines() or [f"exit code {ended.code}, and no word"]
        raise UserError(f"{step}: fails where nothing is done to it: {words[-1].strip()}")
    return ended.seconds

"""What must hold of a project after a stage was stopped, and after it ran again."""

import signal
from collections.abc import Iterator

from stages.resilience.outcomes import Fault
from stages.resilience.process import Ended
from stages.resilience.project import PART, Marks, Project
from stages.resilience.reference import Made, Reference

APART = (".work/downloads/", ".work/runs/", ".work/roots/")
"""What may be there beside: a download that can go on, and records, named after what was made."""
NOISE = ("Traceback (most recent call last)", "Exception ignored", "HDF5-DIAG", "Fatal Python")
"""What nobody is to read who stopped a stage or filled a disk."""


def finished(again: Ended, project: Project, made: Made, before: Marks) -> Iterator[Fault]:
    """Of a run that nothing disturbed, after one that something did.

    Args:
        before: the items that were there when it began.
    """
    yield from ended(again)
    if again.code:
        yield Fault("running again fails", f"exit code {again.code}")
    elif (outputs := project.outputs(made.step)) != made.outputs:
        yield Fault("other bytes", differing(outputs, made.outputs))
    after = project.items()
    twice = sorted(item for item in before if item in after and after[item] != before[item])
    if twice:
        yield Fault("finished work done twice", f"{len(twice)} of {len(before)}, {twice[0]}")
    gone = sorted(before.keys() - after.keys())
    if gone:
        yield Fault("finished work gone", f"{len(gone)} of {len(before)}, {gone[0]}")


def ended(process: Ended) -> Iterator[Fault]:
    """Of any run: that it ended, and left nobody behind."""
    if process.hung:
        yield Fault("hangs", f"after {process.seconds:.0f} s")
    if process.survivors:
        yield Fault("processes left behind", ", ".join(process.survivors))


def tidy(project: Project, reference: Reference) -> Iterator[Fault]:
    """No file that the reference run did not leave as well."""
    left = {path for path in project.files() if not path.startswith(APART)}
    extra = sorted(left - reference.kept.files())
    for what, found in (
        (".part left", [path for path in extra if path.endswith(PART)]),
        ("file left", [path for path in extra if not path.endswith(PART)]),
    ):
        if found:
            yield Fault(what, f"{len(found)}, {found[0]}")


def whole(project: Project, made: Made) -> Iterator[Fault]:
    """What a stage that was stopped has made under its own name is finished."""
    found = project.outputs(made.step)
    half = [path for path, digest in found.items() if made.outputs.get(path) != digest]
    if half:
        yield Fault("output half made", ", ".join(half))


def quiet(process: Ended) -> Iterator[Fault]:
    """No word that is not for people, and no crash."""
    for noise in NOISE:
        if noise in process.said:
            yield Fault(noise.split(" (")[0])
    crashes = (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS)
    if -process.code in crashes:
        yield Fault("crashes", signal.Signals(-process.code).name)


def differing(found: dict[str, str], wanted: dict[str, str]) -> str:
    """The files in which two sets of outputs differ."""
    return ", ".join(
        path if path in found else f"{path} is missing"
        for path in sorted(found.keys() | wanted.keys())
        if found.get(path) != wanted.get(path)
    )

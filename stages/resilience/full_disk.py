"""Stages on a disk that is too small for them, and run again when there is room."""

import random
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from stages.resilience import expectations, volume
from stages.resilience.outcomes import Fault, Trial
from stages.resilience.process import Ended, call
from stages.resilience.project import Project
from stages.resilience.reference import Made, Reference

COLLECT = ("python", "-m", "stages.cli", "gc")
MESSAGE = re.compile(r"error: the disk is full.*")
_PATH = re.compile(r"[\w.~@-]*/[\w./~@-]+")
MOST = 0.95
"""Of the need: above it a stage may find room for its outputs and none for the record of it."""


def seconds(made: Sequence[Made], times: int) -> float:
    """What `trials` will take, roughly: `llmvs gc` takes about a second."""
    return sum(one.anew + times * (1.5 * one.anew + 1.0) for one in made)


def trials(
    reference: Reference, made: Sequence[Made], times: int, seed: int, place: Path
) -> Iterator[Trial]:
    """So many trials of each stage, its own items not in the store.

    Args:
        place: the folder on the small file system; the project lies in it.
    """
    for one in made:
        need = _need(reference, one, place)
        for turn in range(times):
            drawn = random.Random(f"{seed} {one.step.stage} {turn}")
            yield _trial(reference, one, place, int(need * drawn.uniform(0.0, MOST)), need)


def _prepared(reference: Reference, made: Made) -> Project:
    project = reference.restore()
    project.remove((*made.step.outputs, *made.items))
    return project


def _need(reference: Reference, made: Made, place: Path) -> int:
    """Bytes that a stage takes of the disk at its peak, above what was there before."""
    project = _prepared(reference, made)
    before = least = volume.free(place)

    def look(elapsed: float) -> bool:
        nonlocal least
        least = min(least, volume.free(place))
        return False

    call(made.step.command, project.root, look)
    return before - min(least, volume.free(place))


def _trial(reference: Reference, made: Made, place: Path, leave: int, need: int) -> Trial:
    project = _prepared(reference, made)
    filler = place / "filler"
    try:
        volume.fill(filler, leave)
        first = call(made.step.command, project.root)
        faults = list(_failed(first, project, made))
        faults += expectations.tidy(project, reference)
        before = project.items()
        collected = call(COLLECT, project.root)
        if collected.code:
            faults.append(Fault("llmvs gc fails", f"exit code {collected.code}"))
        dropped = before.keys() - project.items().keys()
        if dropped:
            faults.append(
                Fault("llmvs gc drops finished work", f"{len(dropped)} of {len(before)} items")
            )
    finally:
        filler.unlink(missing_ok=True)
    before = {item: mark for item, mark in before.items() if item not in dropped}
    again = call(made.step.command, project.root)
    faults += expectations.finished(again, project, made, before)
    moment = f"{leave / 1e3:.0f} kB free of {need / 1e3:.0f} that it needs"
    said = again.said if again.code else first.said + (collected.said if collected.code else "")
    return Trial(made.step.stage, str(made.step), moment, tuple(faults), said, first.code != 0)


def _failed(first: Ended, project: Project, made: Made) -> Iterator[Fault]:
    """Of a stage that found no room. One that needed none is done."""
    yield from expectations.ended(first)
    yield from expectations.quiet(first)
    yield from expectations.whole(project, made)
    if first.code == 0:
        if project.outputs(made.step) != made.outputs:
            yield Fault("exits 0 without its outputs")
        return
    messages = MESSAGE.findall(first.said)
    others = len(re.findall(r"error:", first.said, re.IGNORECASE)) - len(messages)
    if len(messages) != 1 or others:
        said = f"{len(messages)} messages of a full disk, {others} others"
        yield Fault("not one message that the disk is full", f"{said}; exit code {first.code}")
    elif not _PATH.search(messages[0]):
        yield Fault("the message names no path", messages[0])

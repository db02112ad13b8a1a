"""Stages stopped at random moments, and run again to the end."""

import random
import re
import signal
from collections.abc import Iterator, Sequence

from stages.resilience import expectations
from stages.resilience.outcomes import Fault, Trial
from stages.resilience.process import Ended, Look, call, start_up
from stages.resilience.project import Project
from stages.resilience.reference import Made, Reference

MOMENTS = ("anywhere", "writing", "anywhere", "the last fifth")
"""When, in turn: within the expected time; from the first new file on, mostly soon after it."""
STOPPED = re.compile(r"^\W*stopped\.", re.MULTILINE)


def seconds(made: Sequence[Made], times: int) -> float:
    """What `trials` will take, roughly."""
    return sum(times * (0.75 * one.anew + 0.75 * one.again + 0.5 * one.anew) for one in made)


def trials(
    reference: Reference, made: Sequence[Made], times: int, seed: int, number: signal.Signals
) -> Iterator[Trial]:
    """So many trials of each stage."""
    # Twice what it takes: what comes before a program's first line is not in its hands.
    earliest = 2 * start_up()
    for one in made:
        for turn in range(times):
            yield _trial(reference, one, turn, f"{seed} {one.step.stage} {turn}", number, earliest)


def _trial(
    reference: Reference, made: Made, turn: int, seed: str, number: signal.Signals, earliest: float
) -> Trial:
    drawn = random.Random(seed)
    project = reference.restore()
    project.remove(made.step.outputs)
    # Not in step with the moments, so that each of them meets both.
    emptied = (turn + turn // len(MOMENTS)) % 2 == 0
    state = _emptied(project, made, drawn) if emptied else "the store as it was"
    # A stage that keeps no items does the same work again, and imports from warm files.
    expected = made.anew if emptied and made.items else made.again
    kind = MOMENTS[turn % len(MOMENTS)]
    look = (
        _writing(project, drawn, expected)
        if kind == "writing"
        else _after(
            drawn.uniform(max(earliest, 0.8 * expected if kind != "anywhere" else 0.0), expected)
        )
    )
    first = call(made.step.command, project.root, look, number)
    faults = [*expectations.ended(first), *_stopped(first, project, made, number)]
    faults += expectations.whole(project, made)
    before = project.items()
    again = call(made.step.command, project.root)
    faults += expectations.finished(again, project, made, before)
    faults += expectations.tidy(project, reference)
    told = f"{number.name} after {first.moment:.3f} s" if first.stopped else "ended before"
    moment = f"{told} (of {expected:.1f}, {kind}), {state}, {len(before)} items by then"
    said = again.said if again.code else first.said
    return Trial(made.step.stage, str(made.step), moment, tuple(faults), said, first.stopped)


def _emptied(project: Project, made: Made, drawn: random.Random) -> str:
    """Take the stage's items out of the store, or all; records of runs, which the report tells
    of, stay.
    """
    if made.items and drawn.random() < 0.5:
        project.remove(made.items)
        return "the stage's items removed"
    project.remove([".work/items", ".work/roots"])
    return "the store emptied"


def _after(moment: float) -> Look:
    return lambda elapsed: elapsed >= moment


def _writing(project: Project, drawn: random.Random, expected: float) -> Look:
    """From the first new file on, soon after it more often than late."""
    before = project.files("data", "reports")
    share = drawn.random() ** 3
    began: list[float] = []

    def look(elapsed: float) -> bool:
        if not began and project.files("data", "reports") - before:
            began.append(elapsed)
        return bool(began) and elapsed >= began[0] + share * max(expected - began[0], 0.0)

    return look


def _stopped(first: Ended, project: Project, made: Made, number: signal.Signals) -> Iterator[Fault]:
    """Of how a stage went that was told to stop. One that was done by then may say that it is."""
    if not first.stopped or number == signal.SIGKILL:
        return
    yield from expectations.quiet(first)
    if first.code == 0:
        if project.outputs(made.step) != made.outputs:
            yield Fault("exits 0 unfinished")
        return
    sentences = len(STOPPED.findall(first.said))
    if number == signal.SIGINT and sentences != 1:
        yield Fault(f'says "stopped." {sentences} times', f"exit code {first.code}")

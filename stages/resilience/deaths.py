"""Stages spread over a cluster, whose workers, machines and drivers are killed at random."""

import itertools
import os
import random
import re
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from stages.resilience import expectations
from stages.resilience.nodes import Cluster
from stages.resilience.outcomes import Fault, Trial
from stages.resilience.process import Look, call
from stages.resilience.reference import Made, Reference
from stages.work.crew import HELD

KINDS = ("a worker", "a machine", "the driver")
AGAIN = re.compile(r"and (\d+) items are done again")
MOST = 4 * HELD
"""Shares of a caller's size that a worker can hold."""


def seconds(made: Sequence[Made], times: int) -> float:
    """What `trials` will take, roughly: a cluster's workers load their models anew."""
    return sum(times * (len(KINDS) * (one.anew + 10.0) + one.anew + 20.0) for one in made)


def trials(
    reference: Reference, made: Sequence[Made], times: int, seed: int, cluster: Cluster
) -> Iterator[Trial]:
    """So many trials of each kind for each stage, its own items not in the store.

    Args:
        cluster: of which nothing is started yet.
    """
    cluster.add()
    cluster.add()
    with _environment(cluster.environment):
        for one in made:
            for turn in range(times):
                for kind in KINDS:
                    drawn = random.Random(f"{seed} {one.step.stage} {kind} {turn}")
                    yield _trial(reference, one, kind, cluster, drawn)


@contextmanager
def _environment(given: dict[str, str]) -> Iterator[None]:
    """That the stages are called with."""
    before = dict(os.environ)
    os.environ.update(given)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _trial(
    reference: Reference, made: Made, kind: str, cluster: Cluster, drawn: random.Random
) -> Trial:
    project = reference.restore()
    project.remove((*made.step.outputs, *made.items))
    kept = len(project.items())
    wait = drawn.randrange(len(made.items))
    struck: list[float] = []
    strike = {"a worker": _worker, "a machine": _machine}.get(kind)

    def look(elapsed: float) -> bool:
        if struck or len(project.items()) < kept + wait:
            return False
        if strike is None:
            struck.append(elapsed)
            return True
        if strike(cluster, drawn):
            struck.append(elapsed)
        return False

    first = call(made.step.command, project.root, _rarely(look), signal.SIGKILL)
    faults = list(expectations.ended(first))
    before = project.items()
    last = first
    if kind == "the driver":
        faults += expectations.whole(project, made)
        last = call(made.step.command, project.root)
    else:
        before = {}  # all are of the one run
    faults += expectations.finished(last, project, made, before)
    faults += expectations.tidy(project, reference)
    again = [int(count) for count in AGAIN.findall(first.said)]
    if any(count > MOST for count in again):
        faults.append(Fault("more done again than was at work", f"{max(again)} items"))
    if kind == "a machine" and struck:
        cluster.add()
    when = f"{wait} of {len(made.items)} items, {struck[0]:.1f} s" if struck else "ended before"
    moment = f"{when}; done again: {sum(again)}"
    said = last.said if last.code else first.said
    of = f"{kind}, {made.step.stage}"
    return Trial(of, str(made.step), moment, tuple(faults), said, bool(struck))


def _rarely(look: Look) -> Look:
    """Asked every twentieth time: to count a store's items takes longer than the wait."""
    turns = itertools.count(1)

    def found(elapsed: float) -> bool:
        return next(turns) % 20 == 0 and look(elapsed)

    return found


def _worker(cluster: Cluster, drawn: random.Random) -> bool:
    """Kill one that is at work or about to be; whether there was one."""
    every = [worker for machine in cluster.machines for worker in machine.workers()]
    if every:
        os.kill(drawn.choice(every), signal.SIGKILL)
    return bool(every)


def _machine(cluster: Cluster, drawn: random.Random) -> bool:
    """Kill the one that is not the head, without which there is no cluster."""
    cluster.machines.pop().kill()
    return True

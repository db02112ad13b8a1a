"""A crew of workers on a cluster, and the queue that they take their work from.

The queue is ordered by cost, longest first, so that no worker is left alone with a long share at
the end. A worker holds two shares at most, the one at work and the next. One that dies, or whose
machine does, is replaced, and the shares that it held go to the front of the queue; a machine that
joins the cluster is given workers.
"""

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from stages.errors import UserError
from stages.work import actors, cluster
from stages.work.actors import Hello, Outfit, UnsuitedError
from stages.work.capacity import Share
from stages.work.cluster import Node
from stages.work.edition import edition
from stages.work.items import Arrays
from stages.work.pool import WORKERS
from stages.work.portions import Portion

log = logging.getLogger("llmvs")

HELD = 2
"""Shares that a worker holds while there are enough."""
LOOK = 2.0
"""Seconds between two looks at the cluster's machines."""
WAITING = 60.0
"""Seconds without a single worker after which that is said."""

STILLBORN = 3
"""So many workers in a row that die before they say hello are enough."""

Room = Callable[[Sequence[Node]], int]
"""How many workers there may be on these machines, at least one."""


@dataclass(eq=False)
class _Worker:
    """greeting: until it has said hello. line: what it holds, the one at work first."""

    actor: Any
    greeting: Any
    hello: Hello | None = None
    line: deque[Any] = field(default_factory=deque)


class Crew:
    """Workers of one kind.

    Args:
        ray: the imported module, in a cluster.
        outfit: of each worker.
        share: what each asks of its machine.
        room: how many there may be.
    """

    def __init__(self, ray: Any, outfit: Outfit, share: Share, room: Room) -> None:
        self._ray, self._folder = ray, outfit.folder
        self._outfit = [ray.put(outfit)]
        self._share, self._room = share, room
        self._parcel: list[Any] = []
        self._workers: list[_Worker] = []
        self._aside: list[_Worker] = []
        self._unsuited: UserError | None = None
        self._answers = 0
        self._flying: dict[Any, tuple[Portion, _Worker]] = {}
        self._nodes: frozenset[str] = frozenset()
        self._most, self._looked = 0, float("-inf")
        self._since = time.monotonic()
        self._stillborn = 0

    def work(
        self, payload: Callable[[int], Any], waiting: Sequence[Portion]
    ) -> Iterator[tuple[int, Arrays]]:
        """(place, arrays) of every payload as any worker answers.

        Args:
            payload: what is at a place; called as it is sent.
            waiting: the queue.

        Raises:
            UserError, DiskFullError: as a worker did; or two workers died over the same share, or
                a worker's edition of this package is another.
        """
        queue = deque(waiting)
        while queue or self._flying:
            self._hire(len(queue))
            self._deal(queue, payload)
            yield from self._answered(queue)
            if not queue:
                self._spare()

    def dismiss(self) -> None:
        """End all workers; they let go of their cards."""
        for worker in (*self._workers, *self._aside):
            self._ray.kill(worker.actor)
        self._workers, self._aside, self._flying = [], [], {}

    def _hire(self, queued: int) -> None:
        """Have as many workers as there is room and work for."""
        now = time.monotonic()
        if now - self._looked > LOOK:
            nodes = cluster.nodes(self._ray)
            most = self._room(nodes)
            self._nodes, self._looked = frozenset(node.name for node in nodes), now
            self._aside = [
                each for each in self._aside if each.hello and each.hello.node in self._nodes
            ]
            if most > self._most:
                log.info(
                    "workers: %d, machines: %d, each worker with %s", most, len(nodes), self._share
                )
            self._most = most
        busy = sum(bool(worker.line) for worker in self._workers)
        room = self._most - len(self._aside)
        if room <= 0 and not self._workers and self._unsuited:
            raise self._unsuited
        while len(self._workers) < min(room, busy + queued):
            actor = actors.hired(self._ray, self._share)
            self._workers.append(_Worker(actor, actor.hello.remote(self._folder)))
        if any(worker.hello for worker in self._workers):
            self._since = now
        elif now - self._since > WAITING:
            log.warning("no worker has begun yet: the cluster has no room for %s", self._share)
            self._since = now

    def _deal(self, queue: deque[Portion], payload: Callable[[int], Any]) -> None:
        while queue:
            ready = [worker for worker in self._workers if worker.hello]
            held = HELD if len(queue) > len(ready) else 1
            worker = min(ready, key=lambda each: len(each.line), default=None)
            if worker is None or len(worker.line) >= held:
                return
            portion = queue.popleft()
            sent = [payload(place) for place in portion.places]
            parcel = [] if worker.hello is None or worker.hello.held else self._parcelled()
            answer = worker.actor.answer.remote(self._outfit, parcel, sent)
            self._flying[answer] = portion, worker
            worker.line.append(answer)

    def _parcelled(self) -> list[Any]:
        if not self._parcel:
            assert self._folder is not None  # a worker lacks it
            log.info("%s goes to machines that have not got it", self._folder.name)
            self._parcel = [self._ray.put(self._folder.parcel(self._ray))]
        return self._parcel

    def _answered(self, queue: deque[Portion]) -> Iterator[tuple[int, Arrays]]:
        """What comes next, after a second at most."""
        greetings = {worker.greeting: worker for worker in self._workers if worker.hello is None}
        found, _ = self._ray.wait([*greetings, *self._flying], num_returns=1, timeout=1.0)
        for reference in found:
            worker = greetings.get(reference) or self._flying[reference][1]
            try:
                if reference in greetings:
                    self._greet(worker, self._ray.get(reference))
                else:
                    yield from self._taken(reference)
            except UnsuitedError as error:
                self._set_aside(worker, queue, error)
            except self._lost() as error:
                yield from self._buried(worker, queue, error)

    def _taken(self, reference: Any) -> list[tuple[int, Arrays]]:
        portion, worker = self._flying[reference]
        try:
            answers = self._ray.get(reference)
        except self._ray.exceptions.RayTaskError as error:
            if self._answers and isinstance(error.cause, UnsuitedError):
                raise UnsuitedError(str(error.cause)) from error
            raise actors.own(error) from error
        del self._flying[reference]
        worker.line.remove(reference)
        self._answers += len(answers)
        return [(portion.places[index], arrays) for index, arrays in answers]

    def _set_aside(self, worker: _Worker, queue: deque[Portion], error: UnsuitedError) -> None:
        """Give no more to a worker whose machine cannot load the model, where others could. It
        stays, and with it the room that it takes, or the next one would be hired there.
        """
        assert worker.hello is not None  # it was given something
        log.warning(
            "node %s is left aside, for the model cannot be loaded there: %s",
            *(worker.hello.node[:12], error),
        )
        self._workers.remove(worker)
        self._aside.append(worker)
        self._unsuited = UserError(str(error))
        queue.extendleft(self._flying.pop(each)[0] for each in reversed(worker.line))
        worker.line.clear()

    def _greet(self, worker: _Worker, hello: Hello) -> None:
        if hello.edition != edition():
            raise UserError(
                f"node {hello.node[:12]}: its workers run another edition of this package "
                f"({hello.edition}; here {edition()}); join the cluster from a process that has "
                "not initialised Ray by itself, or install the same sources on every machine"
            )
        worker.hello = hello
        self._stillborn = 0

    def _lost(self) -> tuple[type[Exception], ...]:
        every = self._ray.exceptions
        return (
            every.RayActorError, every.ObjectLostError, every.NodeDiedError,
            every.WorkerCrashedError, every.RuntimeEnvSetupError, every.OutOfMemoryError,
        )  # fmt: skip

    def _buried(
        self, worker: _Worker, queue: deque[Portion], error: Exception
    ) -> Iterator[tuple[int, Arrays]]:
        """Take leave of a worker that died: what it had answered is taken, the rest is done again.

        A share that was at work when it died is not given a third worker, unless it was the
        machine that died.
        """
        self._workers.remove(worker)
        self._ray.kill(worker.actor)
        alive = {node.name for node in cluster.nodes(self._ray)}
        gone = worker.hello is not None and worker.hello.node not in alive
        unsure = self._ray.exceptions.ActorUnavailableError
        again, at_work = [], True
        for reference in list(worker.line):
            done, _ = self._ray.wait([reference], timeout=0)
            try:
                if done:
                    yield from self._taken(reference)
                    continue
            except UnsuitedError:
                pass  # it died without having loaded
            except self._lost():
                pass
            portion, _ = self._flying.pop(reference)
            if at_work and not gone:
                portion.losses += 1
                portion.deaths += not isinstance(error, unsure)
            at_work = False
            again.append(portion)
        queue.extendleft(reversed(again))
        items = sum(len(portion.places) for portion in again)
        log.warning(
            "%s died (%s): replaced, and %d items are done again",
            *("a machine" if gone else "a worker", _reason(error), items),
        )
        if worker.hello is None or any(portion.deadly for portion in again):
            self._give_up(worker, error)

    def _give_up(self, worker: _Worker, error: Exception) -> None:
        if worker.hello is None:
            self._stillborn += 1
            if self._stillborn < STILLBORN:
                return
            raise UserError(
                f"workers cannot begin ({_reason(error)}); every machine needs this project's "
                "dependencies: llmvs doctor --cluster says what each has"
            ) from error
        raise UserError(
            "a worker was killed, and another over the same items, by the system for want of "
            f"memory unless by you; have fewer ({WORKERS}) or close what else needs memory, and "
            "run again: what is finished is kept"
        ) from error

    def _spare(self) -> None:
        """Let those go that have nothing to do: others may want their cards."""
        for worker in [each for each in self._workers if not each.line]:
            self._workers.remove(worker)
            self._ray.kill(worker.actor)


def _reason(error: Exception) -> str:
    """The first sentence of what Ray says last."""
    return (str(error).strip().splitlines() or [type(error).__name__])[-1].strip().split(". ")[0]

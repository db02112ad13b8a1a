"""Payloads spread over the workers of a Ray cluster."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING, Any

from stages.work import capacity, cluster, placement, pool, workers
from stages.work.actors import Outfit
from stages.work.capacity import Share
from stages.work.cluster import Node
from stages.work.crew import Crew
from stages.work.items import Arrays
from stages.work.portions import portions

if TYPE_CHECKING:
    from stages.work.workers import Away


_left: ContextVar[float] = ContextVar("_left", default=0.0)


@contextmanager
def leaving(share: float) -> Iterator[None]:
    """What is spread in the block, by this thread, leaves a part of the room to other work: one
    worker's at least, where there is room for two.
    """
    before = _left.set(share)
    try:
        yield
    finally:
        _left.reset(before)


def spread(
    payloads: Sequence[Any], away: "Away", costs: Sequence[float], weights: int
) -> Iterator[tuple[int, Arrays]]:
    """(place, arrays) of every payload as any worker of the cluster answers.

    Args:
        payloads: what to compute.
        away: how it goes there.
        costs: of each payload; the costliest are begun first.
        weights: bytes of the model; 0 where they are not known, or small.

    Raises:
        UserError, DiskFullError: as a worker did; there is no cluster, or LLMVS_WORKERS asks for
            more than it holds; or workers died time and again.
    """
    cpus = capacity.stated() or threads()
    room = partial(_room, pool.wanted(), weights, cpus, _left.get())
    ray = cluster.joined()
    most, share = room(cluster.nodes(ray))
    folder = away.model.folder() if away.model else None
    crew = Crew(ray, Outfit(away.load, away.model, folder, share.threads), room)
    try:
        queue = portions(costs, away.together, most)
        yield from crew.work(lambda place: away.carry(payloads[place]), queue)
    finally:  # an error holds on to them, and they to their cards
        crew.dismiss()


def threads() -> int:
    """That this process computes with: a worker with as many makes the same bits."""
    import torch

    return torch.get_num_threads()


def _room(
    wanted: int | None, weights: int, threads: int, left: float, nodes: Sequence[Node]
) -> tuple[int, Share]:
    each = placement.cards_needed(weights, workers.memory()) if weights else None
    most, share = capacity.dealt(nodes, wanted, each, threads)
    if left and most > 1:
        most -= max(1, int(most * left))
    return most, share

"""Payloads spread over the workers of a Ray cluster."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING, Any

from stages.work import capacity, cluster, hub, placement, pool, workers
from stages.work.actors import Outfit
from stages.work.capacity import Share
from stages.work.cluster import Node
from stages.work.crew import Crew
from stages.work.items import Arrays
from stages.work.portions import portions

if TYPE_CHECKING:
    from stages.work.workers import Away


log = logging.getLogger("llmvs")

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
    wanted, cpus, left = pool.wanted(), capacity.stated() or threads(), _left.get()
    ray = cluster.joined()
    nodes = cluster.nodes(ray)
    cards = workers.known_memory()
    each = placement.cards_needed(weights, cards) if weights and cards else None
    _, share = capacity.dealt(nodes, wanted, each, cpus)
    if not share.gpus and share.threads != threads():
        log.info(
            "workers compute with %d threads where this process would with %d: the last bits of "
            "sums may be others (%s, OMP_NUM_THREADS)",
            *(share.threads, threads(), capacity.CPUS),
        )
    room = partial(_room, wanted, share, left)
    folder = away.model.folder() if away.model else None
    outfit = Outfit(away.load, away.model, folder, share.threads, hub.commits())
    crew = Crew(ray, outfit, share, room)
    try:
        queue = portions(costs, away.together, room(nodes))
        yield from crew.work(lambda place: away.carry(payloads[place]), queue)
    finally:  # an error holds on to them, and they to their cards
        crew.dismiss()


def threads() -> int:
    """That this process computes with: a worker with as many makes the same bits."""
    import torch

    return torch.get_num_threads()


def _room(wanted: int | None, share: Share, left: float, nodes: Sequence[Node]) -> int:
    most = wanted or capacity.holding(nodes, share)
    return most - max(1, int(most * left)) if left and most > 1 else most

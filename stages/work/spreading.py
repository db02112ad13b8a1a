"""Payloads spread over the workers of a Ray cluster."""

from collections.abc import Iterator, Sequence
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
    room = partial(_room, pool.wanted(), weights, capacity.stated() or threads())
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
    workers_asked: int | None, weights: int, threads: int, nodes: Sequence[Node]
) -> tuple[int, Share]:
    each = placement.cards_needed(weights, workers.memory()) if weights else None
    return capacity.dealt(nodes, workers_asked, each, threads)

"""How many workers a cluster has room for, and what of its machine each asks for."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from stages.errors import UserError
from stages.work.cluster import Node
from stages.work.pool import WORKERS

CPUS = "LLMVS_WORKER_CPUS"
"""Environment: processors of a worker, which are its threads too."""

_GRAIN = 10_000
"""Ray counts resources in ten-thousandths."""


@dataclass(frozen=True)
class Share:
    """What a worker asks of its machine. Parts of a card or processor are shared with others."""

    cpus: float
    gpus: float = 0

    @property
    def threads(self) -> int:
        """That it computes with."""
        return max(1, int(self.cpus))

    def __str__(self) -> str:
        return f"{self.gpus:g} gpus and {self.cpus:g} cpus" if self.gpus else f"{self.cpus:g} cpus"


def stated() -> int | None:
    """What LLMVS_WORKER_CPUS says; None where it is silent. Raises UserError where it is none."""
    said = os.environ.get(CPUS)
    if said is None:
        return None
    if not said.isdecimal() or int(said) < 1:
        raise UserError(f"{CPUS}={said}: must be a whole number, at least 1")
    return int(said)


def dealt(
    nodes: Sequence[Node], workers: int | None, each: int | None, threads: int
) -> tuple[int, Share]:
    """How many workers, and what each asks for, such that all of them find room at once.

    Args:
        nodes: the machines.
        workers: as asked for; None: as many as the cards hold, or the processors without any.
        each: cards that hold a model; None where that is not known.
        threads: that a worker without a card should have, as this process would; it has fewer
            where no machine has as many, or more workers are asked for than would have them.

    Raises:
        UserError: so many workers would have too few cards each.
    """
    if any(node.gpus for node in nodes):
        return _on_cards(nodes, workers, each)
    most = min(threads, int(max((node.cpus for node in nodes), default=1)))
    share = _largest(most, lambda cpus: _room(nodes, cpus), workers or 1)
    return workers or max(1, _room(nodes, share)), Share(share)


def holding(nodes: Sequence[Node], share: Share) -> int:
    """How many workers the machines hold, one at least: it waits where there is no room."""
    if share.gpus:
        return max(1, _card_room(nodes, share.gpus))
    return max(1, _room(nodes, share.cpus))


def _room(nodes: Sequence[Node], cpus: float) -> int:
    return sum(int(node.cpus / cpus + 1e-6) for node in nodes)


def _card_room(nodes: Sequence[Node], gpus: float) -> int:
    return sum(int(node.gpus / gpus + 1e-6) for node in nodes)


def _largest(most: int, room: Callable[[float], int], workers: int) -> float:
    """The largest whole share with room for so many workers, else one of a whole cut in parts."""
    for share in range(max(1, most), 0, -1):
        if room(share) >= workers:
            return share
    parts = next((n for n in range(2, 1000) if room(_floored(1 / n)) >= workers), 1000)
    return _floored(1 / parts)


def _on_cards(nodes: Sequence[Node], workers: int | None, each: int | None) -> tuple[int, Share]:
    room = partial(_card_room, nodes)
    together = sum(node.gpus for node in nodes)
    least = min(each or 1, max(node.gpus for node in nodes))
    if workers is None:
        share: float = least
    elif workers > together and least == 1:
        share = _floored(1 / -(-workers // together))
    elif workers > room(least):
        raise UserError(
            f"{WORKERS}={workers}: the model takes {least} cards, and there are {together}; at "
            f"most {room(least)} workers have room"
        )
    else:
        # More than it is known to take is left to others; where that is not known it may need all.
        most = max(node.gpus for node in nodes)
        share = least if each else _largest(most, room, workers)
    count = workers or room(share)
    # Said outright: Ray takes a whole processor for an actor that asks for cards alone, and what
    # has none would wait for ever.
    cpus = min(_beside(node, share, count) for node in nodes if node.gpus >= share)
    return count, Share(cpus, share)


def _beside(node: Node, gpus: float, workers: int) -> float:
    """Processors for each of the workers that a machine's cards hold."""
    held = min(int(node.gpus / gpus + 1e-6), workers)
    return (
        min(stated() or 1, int(node.cpus / held))
        if held <= node.cpus
        else _floored(node.cpus / held)
    )


def _floored(share: float) -> float:
    return int(share * _GRAIN) / _GRAIN

"""Spread payloads over Ray actors, each with its own model."""

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from stages.work.items import Arrays

P = TypeVar("P")


class _Actor:
    """Loads the worker once, then answers shares of the payloads as a stream."""

    def __init__(self, load: Callable[[], Any]) -> None:
        self._worker = load()

    def answer(self, payloads: list[Any]) -> Iterator[tuple[int, Arrays]]:
        yield from self._worker(payloads)


def scatter(
    ray: Any, payloads: list[P], load: Callable[[], Any], workers: int, gpus: int
) -> Iterator[tuple[int, Arrays]]:
    """Deal payloads to actors like cards and yield (index, arrays) as any of them answers.

    Args:
        ray: the imported module, already initialised.
        payloads: what to compute; actor w gets payloads[w::workers].
        load: builds a worker inside each actor.
        workers: how many actors; never more than payloads.
        gpus: how many GPUs there are to share between them (0 for none).
    """
    workers = min(workers, len(payloads))
    options = {"num_gpus": gpus / workers} if gpus else {"num_cpus": 1}
    remote = ray.remote(**options)(_Actor)
    indices = {}
    actors = []
    for number in range(workers):
        actor = remote.remote(load)
        actors.append(actor)
        share = payloads[number::workers]
        stream = actor.answer.options(num_returns="streaming").remote(share)
        indices[stream] = range(number, len(payloads), workers)
    pending = {stream: next(stream) for stream in indices}
    while pending:
        ready, _ = ray.wait(list(pending.values()), num_returns=1)
        for stream, reference in list(pending.items()):
            if reference not in ready:
                continue
            local, arrays = ray.get(reference)
            yield indices[stream][local], arrays
            try:
                pending[stream] = next(stream)
            except StopIteration:
                del pending[stream]

"""Spread payloads over Ray actors, each with its own model."""

import logging
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from stages.errors import UserError
from stages.work.files import DiskFullError
from stages.work.items import Arrays
from stages.work.pool import WORKERS

P = TypeVar("P")
Options = dict[str, float]

_GRAIN = 10_000
"""Ray counts resources in ten-thousandths."""


class _Actor:
    """Loads the worker once, then answers shares of the payloads as a stream."""

    def answer(self, payloads: list[Any], load: Callable[[], Any]) -> Iterator[tuple[int, Arrays]]:
        # Loaded here, not when the actor is made: of what goes wrong there Ray hands on no error,
        # only its words.
        yield from load()(payloads)


def connected() -> Any:
    """Ray, initialised. Raises UserError where it is not installed."""
    try:
        import ray
    except ImportError as error:
        raise UserError(
            "LLMVS_EXECUTOR=ray needs Ray: pip install -c constraints.txt -e '.[ray]'"
        ) from error
    if not ray.is_initialized():
        ray.init(logging_level=logging.ERROR, log_to_driver=False)
    return ray


def cards(ray: Any) -> int:
    """GPUs of the whole cluster, whether this process sees any or not."""
    return int(ray.cluster_resources().get("GPU", 0))


def dealt(
    payloads: int, workers: int | None, gpus: int, each: int | None, cpus: float
) -> tuple[int, Options]:
    """How many actors, and what each asks Ray for, such that all of them find room at once.

    Args:
        payloads: what there is to do; an actor has at least one.
        workers: as asked for; None: as many as the cards hold, or one without any.
        gpus: cards there are.
        each: cards that hold a model; None where that is not known.
        cpus: processors there are.

    Raises:
        UserError: so many workers would have too few cards each.
    """
    if not gpus:
        count = min(workers or 1, payloads)
        return count, {"num_cpus": _processors(cpus, count)}
    share = _cards(workers, gpus, each)
    count = min(workers or gpus // max(1, int(share)), payloads)
    # Said outright: Ray takes a whole processor for an actor that asks for cards alone, and what
    # has none would wait for ever.
    return count, {"num_gpus": share, "num_cpus": _processors(cpus, count)}


def _cards(workers: int | None, gpus: int, each: int | None) -> float:
    """What of the cards an actor asks for: whole ones, or a part of one. See `dealt`."""
    least = min(each or 1, gpus)
    if workers is None:
        return least
    if workers > gpus and least == 1:
        together = -(-workers // gpus)  # on one card
        return _floored(1 / together)
    if workers * least > gpus:
        raise UserError(
            f"{WORKERS}={workers}: the model takes {least} cards, and there are {gpus}; at most "
            f"{gpus // least} workers have room"
        )
    # More than it is known to take is left to others; where that is not known it may need all.
    return least if each else gpus // workers


def _processors(cpus: float, workers: int) -> float:
    return 1 if workers <= cpus else _floored(cpus / workers)


def _floored(share: float) -> float:
    return int(share * _GRAIN) / _GRAIN


def scatter(
    ray: Any, payloads: list[P], load: Callable[[], Any], workers: int, options: Options
) -> Iterator[tuple[int, Arrays]]:
    """Deal payloads to actors like cards and yield (index, arrays) as any of them answers.

    Args:
        ray: the imported module, already initialised.
        payloads: what to compute; actor w gets payloads[w::workers].
        load: builds a worker inside each actor.
        workers: how many actors; never more than payloads.
        options: what each asks Ray for.

    Raises:
        UserError, DiskFullError: as a worker did; or an actor was killed.
    """
    remote = ray.remote(**options)(_Actor)
    actors = [remote.remote() for _ in range(workers)]
    indices = {}
    for number, actor in enumerate(actors):
        share = payloads[number::workers]
        stream = actor.answer.options(num_returns="streaming").remote(share, load)
        indices[stream] = range(number, len(payloads), workers)
    try:
        yield from _answers(ray, indices)
    finally:  # an error holds on to them, and they to their cards
        for actor in actors:
            ray.kill(actor)


def _answers(ray: Any, indices: dict[Any, range]) -> Iterator[tuple[int, Arrays]]:
    """(index, arrays) of whichever stream has one; `indices` are those of a stream's payloads."""
    pending = list(indices)
    while pending:
        (stream,), _ = ray.wait(pending, num_returns=1)
        try:
            local, arrays = ray.get(next(stream))
        except StopIteration:
            pending.remove(stream)
            continue
        except ray.exceptions.RayTaskError as error:
            raise _own(error) from error
        except ray.exceptions.RayActorError as error:
            raise UserError(
                "a worker was killed, by the system for want of memory unless by you; have fewer "
                f"({WORKERS}) or close what else needs memory, and run again: what is finished is "
                "kept"
            ) from error
        yield indices[stream][local], arrays


def _own(error: Any) -> BaseException:
    """What a worker raised, where that is meant for people; else Ray's account of it."""
    cause = error.cause
    if isinstance(cause, UserError):
        return UserError(str(cause))
    return cause if isinstance(cause, DiskFullError) else error

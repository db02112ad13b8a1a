"""Where workers run: in this process, in several of this machine, or as Ray's actors.

That (`LLMVS_EXECUTOR=serial|ray`) is environment, never a parameter: it must not invalidate what
was made there.
"""

import logging
import os
from collections.abc import Callable, Generator
from functools import partial
from typing import Any

from stages.errors import UserError
from stages.work import pool
from stages.work.items import Arrays

log = logging.getLogger("llmvs")

Found = Generator[tuple[int, Arrays], None, None]
"""Places of payloads, and what was made of each."""

Answers = Callable[[list[Any], Callable[[], Any]], Found]
"""Payloads, and what loads a worker (`executor.Worker`), to its answers in any order."""


def answers(weights: int) -> Answers:
    """By LLMVS_EXECUTOR.

    Args:
        weights: bytes of a worker's model; 0 where they are not known, or small.

    Raises:
        UserError: LLMVS_EXECUTOR or LLMVS_WORKERS make no sense.
    """
    if _named() == "ray":
        return partial(_ray, weights)
    if (count := len(memory())) > 1:
        log.info(
            "of %d GPUs no more are used than hold the model; LLMVS_EXECUTOR=ray uses all", count
        )
    return _serial


def local(processes: int) -> Answers:
    """So many processes of this machine, each with a worker; one is this process itself."""
    return partial(_local, processes)


def cards() -> int:
    """How many GPUs workers have to share. Raises UserError where LLMVS_EXECUTOR names nothing."""
    if _named() == "ray":
        from stages.work import actors

        return actors.cards(actors.connected())
    return len(memory())


def _named() -> str:
    name = os.environ.get("LLMVS_EXECUTOR", "serial")
    if name not in ("serial", "ray"):
        raise UserError(f"LLMVS_EXECUTOR={name}: must be serial or ray")
    return name


def memory() -> list[int]:
    """Bytes of each card that this process sees."""
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    return [torch.cuda.get_device_properties(card).total_memory for card in range(count)]


def _serial(payloads: list[Any], load: Callable[[], Any]) -> Found:
    yield from load()(payloads)


def _local(processes: int, payloads: list[Any], load: Callable[[], Any]) -> Found:
    if min(processes, len(payloads)) == 1:
        yield from _serial(payloads, load)
    else:
        yield from pool.scatter(payloads, load, processes)


def _ray(weights: int, payloads: list[Any], load: Callable[[], Any]) -> Found:
    from stages.work import actors, placement

    ray = actors.connected()
    gpus, cpus = actors.cards(ray), ray.cluster_resources().get("CPU", 1)
    each = placement.cards_needed(weights, memory()) if weights else None
    count, options = actors.dealt(len(payloads), pool.wanted(), gpus, each, cpus)
    shares = ", ".join(f"{share:g} {name.removeprefix('num_')}" for name, share in options.items())
    log.info("workers: %d, each with %s", count, shares)
    yield from actors.scatter(ray, payloads, load, count, options)

"""Where workers run: in this process, in several of this machine, or as Ray's actors.

That (`LLMVS_EXECUTOR=serial|ray`) is environment, never a parameter: it must not invalidate what
was made there.
"""

import logging
import os
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from stages.errors import UserError
from stages.work import pool
from stages.work.items import Arrays
from stages.work.parcels import Model

log = logging.getLogger("llmvs")

Found = Generator[tuple[int, Arrays], None, None]
"""Places of payloads, and what was made of each."""


@dataclass(frozen=True)
class Away:
    """How work goes to another machine, which has none of this one's files.

    load: builds a worker there. carry: makes of a payload what such a worker takes, by value;
    called here, as it is sent. together: so many payloads a worker is given at once, or more.
    model: that it loads.
    """

    load: Callable[[], Any]
    model: Model | None = None
    together: int = 1
    carry: Callable[[Any], Any] = lambda payload: payload


@dataclass(frozen=True)
class Job:
    """Payloads to be answered, and what loads a worker (`executor.Worker`).

    costs: of each payload, in any unit. weights: bytes of a worker's model; 0 where they are not
    known, or small. away: on other machines; None: as here.
    """

    payloads: list[Any]
    load: Callable[[], Any]
    costs: Sequence[float]
    weights: int = 0
    away: Away | None = None


Answers = Callable[[Job], Found]
"""A job to its answers, in any order."""


def answers() -> Answers:
    """By LLMVS_EXECUTOR. Raises UserError where that names nothing."""
    if spread():
        return _ray
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
    if spread():
        from stages.work import cluster

        return sum(node.gpus for node in cluster.nodes(cluster.joined()))
    return len(memory())


def spread() -> bool:
    """Whether it is over a cluster. Raises UserError as `answers`."""
    return _named() == "ray"


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


def known_memory() -> list[int]:
    """Bytes of each card that workers run on; empty where there is none, or one is of another
    machine, whose own workers tell. Raises UserError as `cards`.
    """
    found = memory()
    return found if len(found) == cards() else []


def _serial(job: Job) -> Found:
    yield from job.load()(job.payloads)


def _local(processes: int, job: Job) -> Found:
    if min(processes, len(job.payloads)) == 1:
        yield from _serial(job)
    else:
        yield from pool.scatter(job.payloads, job.load, processes)


def _ray(job: Job) -> Found:
    from stages.work import spreading

    yield from spreading.spread(job.payloads, job.away or Away(job.load), job.costs, job.weights)

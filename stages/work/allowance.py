"""What this process may use of its machine: a container, or a job of a batch system, is often given
a share of the memory and of the cores, which the machine's own figures do not tell.

On Linux such a share is a control group's. Groups nest, and each of those above a process binds it:
"Control Group v2" and "Memory Resource Controller" of the kernel's documentation.
"""

import math
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import psutil

GROUPS = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")


class Memory(NamedTuple):
    """How a version of control groups names what is read of one; `files` are bytes of files that
    are kept in memory, which the kernel lets go of for whoever asks for room.
    """

    controller: str
    limit: str
    usage: str
    files: tuple[str, ...]


VERSIONS = (
    Memory("", "memory.max", "memory.current", ("inactive_file", "active_file")),
    Memory(
        *("memory", "memory.limit_in_bytes", "memory.usage_in_bytes"),
        ("total_inactive_file", "total_active_file"),
    ),
)


def total() -> float:
    """Bytes of memory: the machine's, or the least that a group above this process may take."""
    limits = (limit for _, _, limit in _limited())
    return min([float(psutil.virtual_memory().total), *limits])


def free() -> float:
    """Bytes of memory that are free, here and in each group above this process."""
    return min(float(psutil.virtual_memory().available), left())


def left() -> float:
    """Bytes that the groups above this process let it take beside what is taken, swap not counted;
    without any limit infinite.
    """
    found = [math.inf]
    for version, group, limit in _limited():
        with suppress(OSError, ValueError):
            used = float((group / version.usage).read_text())
            lines = (group / "memory.stat").read_text().splitlines()
            kept = dict(line.split(maxsplit=1) for line in lines)
            used -= sum(float(kept.get(name, 0)) for name in version.files)
            found.append(max(0.0, limit - used))
    return min(found)


def cores() -> int:
    """How many processes can be at work at a time: those that this one may run on, or as many as a
    group above it is given the time of, at least one.
    """
    return min([_runs_on(), *_quotas()])


def threads() -> int | None:
    """How many torch is to have where the time that a group gives is of fewer cores than this
    process may run on, on each of which torch would put one; else None.
    """
    return found if (found := cores()) < _runs_on() else None


def _runs_on() -> int:
    # macOS does not tell.
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def _limited() -> Iterator[tuple[Memory, Path, float]]:
    """Groups that have a limit of memory, and the limit in bytes."""
    for version in VERSIONS:
        for group in _above(version.controller):
            with suppress(OSError, ValueError):
                limit = float((group / version.limit).read_text())  # "max" where there is none
                yield version, group, limit


def _quotas() -> Iterator[int]:
    """How many cores each group with a quota is given the time of, at least one."""
    for group in _above(""):
        with suppress(OSError, ValueError):
            quota, period = (group / "cpu.max").read_text().split()
            yield max(1, math.ceil(float(quota) / float(period)))  # "max" where there is none
    for group in _above("cpu"):
        with suppress(OSError, ValueError):
            share = float((group / "cpu.cfs_quota_us").read_text())
            if share > 0:  # -1 where there is none
                yield max(1, math.ceil(share / float((group / "cpu.cfs_period_us").read_text())))


def _above(controller: str) -> Iterator[Path]:
    """Folders of the groups that this process is in, its own first: of version 1 those of a
    controller, of version 2, which has one tree for all, those of "".

    A container may see its own group as the outermost and yet be told the path that it has
    outside: what is not there is no group, the outermost always one.
    """
    with suppress(OSError, ValueError):
        for line in MEMBERSHIP.read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if controller not in controllers.split(","):
                continue
            within = Path(path.lstrip("/"))
            for group in dict.fromkeys((within, *within.parents)):
                folder = GROUPS / controller / group
                if ".." not in group.parts and folder.is_dir():
                    yield folder

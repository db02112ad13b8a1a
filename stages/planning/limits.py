"""What of a plan grows faster than the corpus, and what one driver or this machine cannot do."""

import math
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from stages.planning import estimate
from stages.planning.plan import Plan, in_bytes
from stages.planning.workload import Frames
from stages.work import allowance
from stages.work.pace import duration

OBJECTS = 0.3
"""Of a machine's memory, what Ray takes for its object store unless told otherwise."""


@dataclass(frozen=True)
class Here:
    """This machine: bytes that are free on the disk, files that can still be made on it, infinite
    where the file system knows no such number, and bytes of memory.
    """

    free: float
    files: float
    memory: float

    @classmethod
    def found(cls, place: Path = Path()) -> "Here":
        """The disk is that of `place`."""
        system = os.statvfs(place)
        files = system.f_favail if system.f_files else math.inf
        return cls(shutil.disk_usage(place).free, files, allowance.total())


def hours(plan: Plan, stage: str) -> float:
    """Of a stage on the cards; NaN where it is not reckoned, or does not fit them."""
    found = (plan.hours(cost) for cost in plan.costs if cost.stage == stage and cost.fits)
    return next(found, math.nan)


def growth(plan: Plan) -> Iterator[str]:
    """How it all grows: with the number of frames, or faster with a video's length."""
    yield (
        "grows: with the number of frames, however long a video: sampling, captions, embeddings, "
        "what they read, write and send, files of the work store and the driver's memory"
    )
    if plan.rows:
        longer = Frames(tuple((2 * one, count) for one, count in plan.frames.lengths), "")
        now, then = (
            estimate.train(plan.recipe.splits, frames, plan.rows, plan.machine)
            for frames in (plan.frames, longer)
        )
        if now.operations and now.working:  # else nothing is learnt
            yield (
                "grows: train, with the square of a video's length where a row attends over the "
                f"video; from {plan.frames.longest:,} frames to twice as many, operations are "
                f"{then.operations / now.operations:.2f} times as many, and memory at work "
                f"{then.working / now.working:.2f} times"
            )
    if plan.recipe.sample is not None:
        scatter = 8 * plan.frames.longest**2
        yield (
            "grows: sample, with the square of a video's length where its shots are to be found: "
            f"{in_bytes(scatter)} for {plan.frames.longest:,} frames"
        )


def waits(plan: Plan) -> Iterator[str]:
    """Stages whose driver takes longer than the cards."""
    for flow in plan.flows:
        cards, driver = 3600 * hours(plan, flow.stage), flow.driver
        if driver > cards:
            parts = math.ceil(driver / cards)
            yield (
                f"{flow.stage}: the cards wait for their driver, {duration(driver)} against "
                f"{duration(cards)}; {parts} recipes, each of a part of the videos, with a store "
                f"on a disk of its own, would have {parts} drivers"
            )


def lacks(plan: Plan, here: Here) -> Iterator[str]:
    """What would not fit where this is called."""
    wanted, files = sum(kept.size for kept in plan.disk), sum(flow.items for flow in plan.flows)
    if wanted > here.free:
        yield (
            f"does not fit here: {in_bytes(wanted)} on disk, of which {in_bytes(here.free)} are "
            "free"
        )
    if files > here.files:
        yield (
            f"does not fit here: {files:,} files of the work store, where the file system has room "
            f"for {here.files:,.0f} more"
        )
    for flow in plan.flows:
        if flow.memory > here.memory:
            share = here.memory / flow.memory * plan.frames.videos
            yield (
                f"does not fit here: {flow.stage}'s driver holds {in_bytes(flow.memory)} of tasks, "
                f"of {in_bytes(here.memory)} of memory; {share:,.0f} such videos a recipe would do"
            )
        flying = plan.machine.count * flow.passage.in_flight if flow.passage else 0
        if flying > OBJECTS * here.memory:
            yield (
                f"does not fit here: {in_bytes(flying)} of {flow.stage} in flight, where Ray's "
                f"object store has {in_bytes(OBJECTS * here.memory)} unless told otherwise"
            )

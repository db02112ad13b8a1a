"""How long the sample stage takes, which no card hastens."""

from collections.abc import Iterator

from stages.artifacts.video import EVERY
from stages.planning.workload import Frames
from stages.work import pool
from stages.work.pace import duration

# Processor seconds on one core of an AMD EPYC, others at work beside it, of videos that `llmvs
# bench sample` makes (H.264, 30 frames a second): decoding alone, and what is done beyond that.
DECODING = {"640 x 360": 0.0007, "1920 x 1080": 0.0044}
"""Seconds a frame, by size."""
KEEPING = 0.045
"""Seconds a picked frame: shrunk, stored as JPEG, read by the image encoder."""


def seconds(frames: Frames, decoding: float, processes: int) -> float:
    """Of all videos, a process each and so many at a time; never less than the longest takes."""
    a_pick = EVERY * decoding + KEEPING
    return a_pick * max(frames.longest, frames.total / processes)


def said(frames: Frames) -> Iterator[str]:
    """What the stage will take on this machine, for the notes of a plan. Raises UserError where
    `LLMVS_WORKERS` is no number.
    """
    processes = min(pool.processes(), frames.videos)
    times = " and ".join(
        f"{duration(seconds(frames, decoding, processes))} for videos of {size}"
        for size, decoding in DECODING.items()
    )
    yield (
        f"sample: no card's work; {EVERY * frames.total:,} frames to decode, {frames.total:,} of "
        f"them to keep, by {processes} processes on this machine's cores: about {times}, by what "
        "one core was measured to do; `llmvs bench sample` measures here"
    )

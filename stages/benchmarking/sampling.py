"""The sample stage in one process and in several: frames a second, and the same arrays."""

import resource
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from rich.table import Table

from stages import params
from stages.artifacts import timeline
from stages.benchmarking.timing import interleaved
from stages.errors import UserError
from stages.media import sampling
from stages.media.sampler import Found, Sampler
from stages.media.settings import Sample
from stages.sources import demo
from stages.sources.settings import DemoDownload
from stages.work.executor import Task, stream
from stages.work.items import Arrays
from stages.work.store import Store

SHOT = 2.0  # seconds


def _settings(videos: int, seconds: int, size: tuple[int, int]) -> tuple[DemoDownload, Sample]:
    """The demo's, of videos half as long to half as long again as `seconds`."""
    recipe = params.recipe("demo")
    download, sample = recipe.download, recipe.sample
    if not isinstance(download, DemoDownload) or sample is None:
        raise UserError("params.yaml: datasets.demo: makes no videos that could be sampled")
    shots = max(1, round(seconds / SHOT / 2)), max(1, round(seconds / SHOT * 1.5))
    changed = download.model_dump() | {
        "videos": videos,
        "size": size,
        "shots": shots,
        "shot_seconds": (SHOT, SHOT),
    }
    return DemoDownload.model_validate(changed), sample


def measure(videos: int, seconds: int, size: tuple[int, int], processes: int, rounds: int) -> Table:
    """Sample made videos in one process and in several, each into an empty work store.

    Args:
        videos: how many.
        seconds: of a video, on average.
        size: width and height in pixels, even.
        processes: beyond one.
        rounds: of which the best counts.

    Raises:
        UserError: the two ways do not take the same of a video.
    """
    download, sample = _settings(videos, seconds, size)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        demo.make("bench", download, folder)
        known = timeline.read(folder / "timeline.h5").videos
        found: list[Found] = [
            (sampling.find(folder / "videos", video.title), video) for video in known
        ]
        ways: dict[str, Callable[[], tuple[list[Arrays], float]]] = {
            _way(count): partial(_sampled, found, sample, count) for count in (1, processes)
        }
        taken, results = interleaved(ways, rounds)
    alone, together = (arrays for arrays, _ in results.values())
    for one, other in zip(alone, together, strict=True):
        if any(not np.array_equal(one[key], other[key]) for key in one):
            raise UserError("several processes do not take the same of a video as one does")
    frames, kept = sum(video.n_frames for video in known), sum(len(v.picks_T) for v in known)
    width, height = size
    table = Table(
        *("way", "seconds", "frames a second", "processor seconds", "times"),
        title=f"{videos} videos of {width} x {height}, {frames:,} frames, {kept:,} of them kept",
    )
    for way, each in taken.items():
        cells = f"{each:.2f}", f"{frames / each:,.0f}", f"{results[way][1]:.2f}"
        table.add_row(way, *cells, f"{taken[_way(1)] / each:.2f}")
    return table


def _way(processes: int) -> str:
    return "one process" if processes == 1 else f"{processes} processes"


def _sampled(found: list[Found], sample: Sample, processes: int) -> tuple[list[Arrays], float]:
    """What is taken of every video, and the processor's seconds for it, of all processes."""
    sampler, threads, began = Sampler(sample), torch.get_num_threads(), _busy()
    tasks = [Task(sampler.key(*each), each, each[1].n_frames) for each in found]
    try:
        with tempfile.TemporaryDirectory() as folder:
            load = partial(Sampler, sample)
            store = Store(Path(folder))
            results = stream(tasks, load, store, "videos", "frames", processes=processes)
            return list(results), _busy() - began
    finally:
        torch.set_num_threads(threads)


def _busy() -> float:
    """Seconds that processors were at work for this process and for children that have ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime

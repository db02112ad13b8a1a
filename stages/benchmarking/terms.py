"""Terms of a plan as they are measured here, and the SYNTHETIC corpus they are measured on."""

import time
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from stages.artifacts import frames
from stages.artifacts.captions import Caption
from stages.artifacts.video import EVERY
from stages.planning import workload
from stages.work.store import Store

T = TypeVar("T")


@dataclass(frozen=True)
class Term:
    """Something in a unit, as measured here and as the plan's formula or constant has it."""

    what: str
    unit: str
    measured: float
    formula: float


@dataclass(frozen=True)
class Corpus:
    """As many videos of as many frames, JPEGs of so many bytes, captions of so many words."""

    root: Path
    videos: int
    steps: int
    jpeg: int
    words: int

    @property
    def frames(self) -> workload.Frames:
        return workload.Frames(((self.steps, self.videos),), "made")

    @property
    def said(self) -> str:
        return workload.caption_of(self.words)

    def captions(self) -> dict[str, list[Caption]]:
        """As long as `said`, and no two the same."""
        count = iter(range(self.frames.total))
        return {
            f"video_{video}": [
                Caption(
                    video=f"video_{video}",
                    pick=EVERY * step,
                    caption=f"{next(count):06d}{self.said[6:]}",
                )
                for step in range(self.steps)
            ]
            for video in range(1, self.videos + 1)
        }

    def write_frames(self) -> None:
        """frames.h5, of noise that no decoder reads."""
        random = np.random.default_rng(0)
        picks_T = EVERY * np.arange(self.steps)
        frames.write(
            self.root / "frames.h5",
            (
                frames.Sampled(
                    f"video_{video}", picks_T, [random.bytes(self.jpeg) for _ in range(self.steps)]
                )
                for video in range(1, self.videos + 1)
            ),
        )


def pace(store: Store) -> float:
    """Items a second, from the first that was written to the last."""
    times = [place.stat().st_mtime for place in (store.root / "items").glob("*/*.npz")]
    return (len(times) - 1) / (max(times) - min(times))


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """What work returns, and its seconds."""
    began = time.perf_counter()
    found = work()
    return found, time.perf_counter() - began


def held(work: Callable[[], object]) -> int:
    """Bytes of memory that what work returns holds."""
    tracemalloc.start()
    found = work()
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del found
    return size


def size_of(ray: Any, value: object) -> int:
    """Bytes of an object in Ray's store."""
    reference = ray.put(value)
    size: int = ray.experimental.get_object_locations([reference])[reference]["object_size"]
    return size


def mean(numbers: Sequence[float]) -> float:
    return sum(numbers) / len(numbers)

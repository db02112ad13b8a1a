"""What a captioner is, and how one serves the work store.

A captioner is split in two, so that a run whose captions are all in the store loads no model:
a `Plan` knows from the settings alone what its captions depend on, and `load`s a `Captioner`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from stages.datasets import frames
from stages.work.store import Arrays

Pixels = npt.NDArray[np.uint8]


class Captioner(Protocol):
    """A loaded model that writes captions."""

    def caption(self, images: Sequence[Pixels], /) -> list[str]:
        """One caption for each (H, W, 3) uint8 RGB image.

        A caption must not depend on which other images it is asked for with.
        """
        ...


class Plan(Protocol):
    """A captioner's settings before its model is loaded. Can be pickled for Ray."""

    @property
    def batch(self) -> int:
        """Images handed over in one call: speed and memory alone, never the captions."""
        ...

    def determinants(self) -> Mapping[str, Any]:
        """Everything beside the image that decides a caption: model, weights, settings, version
        of the algorithm. Part of the key in the work store (`stages.work.store.key`).
        """
        ...

    def load(self) -> Captioner:
        """Load the model. Raises UserError where it cannot be had."""
        ...


@dataclass(frozen=True)
class Frame:
    """Where a frame lies in the frames file: lighter to hand around than its pixels."""

    video: str
    index: int


class CaptionWorker:
    """A captioner as the work store's worker: frames in, ``{"caption": text}`` out.

    Args:
        plan: of the captioner to load.
        path: the frames file.
    """

    def __init__(self, plan: Plan, path: Path) -> None:
        self._captioner = plan.load()
        self._batch = plan.batch
        self._path = path

    def __call__(self, payloads: list[Frame], /) -> Iterator[tuple[int, Arrays]]:
        with frames.reading(self._path) as videos:
            by_name = {video.name: video for video in videos}
            for start in range(0, len(payloads), self._batch):
                batch = payloads[start : start + self._batch]
                images = [by_name[frame.video].image(frame.index) for frame in batch]
                for offset, caption in enumerate(self._captioner.caption(images)):
                    yield start + offset, {"caption": np.array(caption)}

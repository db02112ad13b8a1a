"""What a captioner is, and how one serves the work store.

A captioner is split in two, so that a run whose captions are all in the store loads no model:
a `Plan` knows from the settings alone what its captions depend on, and `load`s a `Captioner`.
"""

import itertools
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from stages.artifacts import frames
from stages.work.burden import Burden
from stages.work.halving import Said
from stages.work.items import Arrays

Pixels = npt.NDArray[np.uint8]

SILENCE = "No description."
"""Stands for the words of a model that ended its turn without any: a caption is never empty."""


def of_images(model: str) -> Said:
    """What a person is told where a captioner's batch does not fit into the memory."""
    return Said(
        model, ("image", "images"), "model, dtype or max_new_tokens",
        "set caption.batch to that to spare the attempt",
    )  # fmt: skip


class Captioner(Protocol):
    """A loaded model that writes captions."""

    def prepare(self, images: Sequence[Pixels], /) -> Any:
        """What `caption` takes of (H, W, 3) uint8 RGB images.

        Called in another thread than `caption`, which is at work on other images meanwhile.
        """
        ...

    def caption(self, prepared: Any, /) -> list[str]:
        """One caption for each image that `prepare` was given.

        A caption must not depend on which other images it is asked for with.
        """
        ...


class Plan(Protocol):
    """A captioner's settings before its model is loaded. Can be pickled for Ray."""

    @property
    def batch(self) -> int:
        """Images handed over in one call: speed and memory. Of two words that are equally likely
        to the last bit, which half precision makes of some, another may be taken.
        """
        ...

    @property
    def model(self) -> str:
        """As the recipe names it: a folder, or on the hub; "" for what comes with a package."""
        ...

    def determinants(self) -> Mapping[str, Any]:
        """Everything beside the image that decides a caption: model, weights, settings, version
        of the algorithm. Part of the key in the work store (`stages.work.store.key`).
        """
        ...

    def burden(self, images: int) -> Burden | None:
        """What captioning so many images asks of a machine at least; None where that is little, or
        the model's configuration does not tell. Raises UserError where that cannot be had.
        """
        ...

    def fetch(self) -> Path:
        """Bring the weights to this machine; where they are. Raises UserError as `load`."""
        ...

    def load(self) -> Captioner:
        """Load the model. Raises UserError where it cannot be had."""
        ...


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a frame lies in the frames file: lighter to hand around than its pixels."""

    video: str
    index: int


AHEAD = 2
"""So many batches are ready or being prepared while one is captioned."""


class CaptionWorker:
    """A captioner as the work store's worker: frames in, ``{"caption": text}`` out.

    A frame is a place in the frames file, or the bytes of its JPEG where there is no such file.
    While a batch is captioned, a thread reads, decodes and prepares the next ones.

    Args:
        plan: of the captioner to load.
        path: the frames file; None where frames come as bytes.
    """

    def __init__(self, plan: Plan, path: Path | None = None) -> None:
        self._captioner = plan.load()
        self._batch = plan.batch
        self._path = path

    def __call__(self, payloads: Sequence[Frame | bytes], /) -> Iterator[tuple[int, Arrays]]:
        starts = iter(range(0, len(payloads), self._batch))
        places = itertools.count()
        with ExitStack() as stack, ThreadPoolExecutor(1) as reader:
            picture = _pictures(self._path, stack)

            def prepared(start: int) -> Any:
                batch = payloads[start : start + self._batch]
                return self._captioner.prepare([picture(frame) for frame in batch])

            def begun(most: int) -> list[Future[Any]]:
                return [reader.submit(prepared, start) for start in itertools.islice(starts, most)]

            ahead = deque(begun(AHEAD))
            try:
                while ahead:
                    ready = ahead.popleft().result()
                    ahead.extend(begun(1))
                    for caption in self._captioner.caption(ready):
                        yield next(places), {"caption": np.array(caption)}
            finally:
                reader.shutdown(wait=False, cancel_futures=True)


def _pictures(path: Path | None, stack: ExitStack) -> Callable[[Frame | bytes], Pixels]:
    """What shows a frame (H, W, 3), while the stack is open."""
    by_name = {} if path is None else stack.enter_context(frames.reading(path)).by_name

    def picture(frame: Frame | bytes) -> Pixels:
        if isinstance(frame, Frame):
            return by_name[frame.video].image(frame.index)
        return frames.decoded(frame)

    return picture

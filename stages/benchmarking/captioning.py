"""Seconds a frame of the caption stage, beside one image at a time and what arithmetic demands."""

import io
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import skimage.data
import torch
from PIL import Image
from rich.table import Table

from stages import params
from stages.artifacts.frames import Sampled, reading, write
from stages.artifacts.video import EVERY
from stages.benchmarking import stand_in
from stages.benchmarking.embedding import product_rate
from stages.benchmarking.memory import in_own_process, watched
from stages.benchmarking.timing import interleaved, ratios
from stages.captioners import registry
from stages.captioners.captioner import CaptionWorker, Frame, Pixels
from stages.captioners.llava import ImageTextCaptioner
from stages.captioners.settings import ImageTextCaption
from stages.errors import UserError
from stages.work import architecture
from stages.work.items import Arrays
from stages.work.store import Store, key
from stages.work.writer import Writer

ALONE = "(a) generate, an image at a time"
BATCHED = "(b) batches, read before and kept after"
STAGE = "(c) the stage: read and kept meanwhile"
FLOOR = "(d) floor: operations over the matrix-product rate"
_VIDEO = "video_1"


@contextmanager
def _model(name: str | None) -> Iterator[str]:
    if name is not None:
        yield name
        return
    with tempfile.TemporaryDirectory() as folder:
        yield str(stand_in.save(Path(folder)))


def settings(model: str, batch: int, tokens: int) -> ImageTextCaption:
    """The recipe of TVSum with another model, batch and length, on a CPU in float32.

    Raises UserError where that recipe captions no videos, or not with such a model.
    """
    caption = params.recipe("tvsum").caption
    if caption is None or caption.captioner != "llava":
        raise UserError("params.yaml: datasets.tvsum.caption: the benchmark needs captioner: llava")
    changed = {"model": model, "revision": None, "batch": batch, "max_new_tokens": tokens}
    if not torch.cuda.is_available():
        changed["dtype"] = "float32"
    return caption.model_copy(update=changed)


def frames_file(path: Path, count: int) -> Path:
    """A frames file of photographs, cut where each is another."""
    sources = [skimage.data.coffee(), skimage.data.astronaut(), skimage.data.rocket()]
    jpegs = []
    for index in range(count):
        stream = io.BytesIO()
        cut = Image.fromarray(sources[index % 3]).crop((index, index, 400 + index, 400 + index))
        cut.resize((448, 336)).save(stream, "JPEG", quality=92)
        jpegs.append(stream.getvalue())
    write(path, [Sampled(_VIDEO, np.arange(count) * EVERY, tuple(jpegs))])
    return path


@dataclass(frozen=True)
class Figures:
    """Best seconds a frame of each way by name; at how many frames at once and tokens."""

    seconds: dict[str, float]
    batch: int
    read: int
    written: int

    def table(self, model: str) -> Table:
        """One row a way: seconds a frame, and how many times the stage's."""
        title = f"{model}\nbatches of {self.batch}, {self.read} tokens read, {self.written} written"
        return ratios(self.seconds, STAGE, "stage", title)


def _loaded(asked: ImageTextCaption) -> ImageTextCaptioner:
    """The captioner, writing exactly as many tokens as it may, whatever they are."""
    loaded = registry.plans(asked)["general"].load()
    assert isinstance(loaded, ImageTextCaptioner)
    loaded._model.generation_config.min_new_tokens = asked.max_new_tokens
    return loaded


class _Loaded:
    """A plan whose captioner is loaded already, so that loading is not part of the time."""

    model = ""

    def __init__(self, captioner: ImageTextCaptioner, batch: int) -> None:
        self.captioner, self.batch = captioner, batch

    def determinants(self) -> dict[str, Any]:
        return {}

    def burden(self, images: int) -> None:
        return None

    def fetch(self) -> Path:
        return Path()

    def load(self) -> ImageTextCaptioner:
        return self.captioner


@contextmanager
def _keeping(folder: Path, kept: dict[int, str]) -> Iterator[Callable[[int, Arrays], None]]:
    """A work store for once, noting what was put there."""
    with tempfile.TemporaryDirectory(dir=folder) as root:
        store = Store(Path(root))

        def keep(index: int, arrays: Arrays) -> None:
            store.put(key(index=index), arrays)
            kept[index] = str(arrays["caption"])

        yield keep


def compare(model: str, batch: int, tokens: int, frames: int, rounds: int) -> Figures:
    """Measure every way in turn, `rounds` times over, so that a busy machine slows all alike.

    Raises UserError where the model cannot be had or used, or the ways do not say the same.
    """
    asked = settings(model, batch, tokens)
    captioner = _loaded(asked)
    with tempfile.TemporaryDirectory() as folder:
        path = frames_file(Path(folder) / "frames.h5", frames)

        def decoded(start: int, stop: int) -> list[Pixels]:
            with reading(path) as videos:
                (video,) = videos
                return [video.image(index) for index in range(start, min(stop, frames))]

        def in_batches(size: int) -> list[str]:
            kept: dict[int, str] = {}
            with _keeping(Path(folder), kept) as keep:
                for start in range(0, frames, size):
                    prepared = captioner.prepare(decoded(start, start + size))
                    for index, said in enumerate(captioner.caption(prepared), start):
                        keep(index, {"caption": np.array(said)})
            return [kept[index] for index in range(frames)]

        def stage() -> list[str]:
            kept: dict[int, str] = {}
            worker = CaptionWorker(_Loaded(captioner, batch), path)
            payloads = [Frame(_VIDEO, index) for index in range(frames)]
            with _keeping(Path(folder), kept) as keep, Writer(keep) as writer:
                for index, arrays in worker(payloads):
                    writer.put(index, arrays)
            return [kept[index] for index in range(frames)]

        ways: dict[str, Callable[[], list[str]]] = {
            ALONE: lambda: in_batches(1),
            BATCHED: lambda: in_batches(batch),
            STAGE: stage,
        }
        seconds, said = interleaved(ways, rounds)
    if any(captions != said[ALONE] for captions in said.values()):
        raise UserError(f"{model}: captions differ with the batch; run it in float32")
    seconds = {way: each / frames for way, each in seconds.items()}
    loaded = captioner._model
    decoder, vision = architecture.multimodal(model, loaded.config)
    prompt = captioner._processor.tokenizer(asked.prompts.general)["input_ids"]
    read = vision.tokens + len(prompt)
    least = vision.operations + decoder.operations(read + tokens, 0, answers=tokens)
    layer = loaded.model.language_model.layers[0]
    rate = product_rate(layer, batch * read)
    return Figures(seconds | {FLOOR: least / rate}, batch, read, tokens)


def above_weights(model: str, batch: int, tokens: int) -> tuple[int, int]:
    """Bytes of the weights, and of captioning one batch beside them."""
    captioner = _loaded(settings(model, batch, tokens))
    size = sum(each.numel() * each.element_size() for each in captioner._model.parameters())
    with tempfile.TemporaryDirectory() as folder:
        path = frames_file(Path(folder) / "frames.h5", batch)
        with reading(path) as videos:
            (video,) = videos
            images = [video.image(index) for index in range(batch)]
        for each in captioner._model.parameters():
            each.sum()  # weights are mapped, and come into memory when first used
        peak: list[int] = []
        with watched(peak):
            captioner.caption(captioner.prepare(images))
    return size, peak[0]


def measure(
    model: str | None, batch: int, tokens: int, frames: int, rounds: int, sizes: Sequence[int]
) -> list[Table]:
    """The times, and the memory by images at once; without a model, of the stand-in."""
    with _model(model) as name:
        shown = model or "STAND-IN: random weights, SmolLM2's shape behind 576 patches"
        tables = [compare(name, batch, tokens, frames, rounds).table(shown)]
        memory = Table("images at once", "weights", "peak above them", title="memory")
        for size in sizes:
            found = in_own_process("captioning", (name, size, tokens), 2)
            memory.add_row(str(size), *(f"{each / 1e6:.0f} MB" for each in found))
        return tables + [memory] * bool(sizes)


if __name__ == "__main__":
    print(*above_weights(sys.argv[1], *map(int, sys.argv[2:])))

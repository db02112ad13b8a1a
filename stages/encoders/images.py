"""A CLIP's vector of every sampled frame, in the space that its images and texts share.

Frames are cut and scaled by the model's own image processor, which looks at the middle square. The
store's item is a batch, since a row's last bits depend on the rows beside it.

Shapes: B frames of a batch, T sampled frames, D width of the space.
"""

import hashlib
import io
import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image

from stages.artifacts import frames
from stages.artifacts.timeline import Timeline, same_picks
from stages.errors import UserError, anew
from stages.work import architecture, burden, hub, pretrained
from stages.work.burden import Burden
from stages.work.executor import Task, result, stream
from stages.work.halving import Halving, Said
from stages.work.items import Arrays
from stages.work.on_demand import MadeAnew
from stages.work.overflow import overflowed
from stages.work.store import Store, key

log = logging.getLogger("llmvs")

VERSION = 1
"""Raise it when the same frame and settings are to give another vector."""

KIND = hub.Kind(alternative="openai/clip-vit-large-patch14")
Floats = npt.NDArray[np.float32]


class Settings(Protocol):
    """Which CLIP, of which weights, and how many frames it sees at once."""

    @property
    def model(self) -> str: ...
    @property
    def revision(self) -> str | None: ...
    @property
    def dtype(self) -> str: ...
    @property
    def batch(self) -> int: ...


class Batch(NamedTuple):
    """Frames `start` to `stop` of a video in a file of frames."""

    video: str
    start: int
    stop: int


class ImageHalf:
    """A loaded CLIP; a worker of the executor. What does not fit into the GPU is halved."""

    def __init__(self, settings: Settings, path: Path) -> None:
        """Raises UserError where the model cannot be had or used."""
        self._settings, self._path = settings, path
        said = Said(
            settings.model, ("frame", "frames"), "model or dtype (features.clip)",
            "set features.clip.batch to that to spare the attempt",
        )  # fmt: skip
        self._halving = Halving[Sequence[bytes], Floats](said, settings.batch, self._seen)
        folder = hub.fetch(settings.model, settings.revision, KIND)
        self._images = _processor(settings.model, folder)
        dtype = pretrained.dtype_of(settings.dtype)
        self._model = pretrained.load(_Half(), settings.model, folder, dtype)

    def __call__(self, batches: list[Batch]) -> Any:
        with frames.reading(self._path) as videos:
            known = videos.by_name
            for index, batch in enumerate(batches):
                of = known[batch.video]
                shown = [of.jpeg(number) for number in range(batch.start, batch.stop)]
                yield index, {"clip": self.seen(shown)}

    def seen(self, jpegs: Sequence[bytes]) -> Floats:
        """One vector a frame (B, D). Raises UserError where one is too much for the GPU, or the
        model overflows.
        """
        found_BD = np.concatenate(self._halving([jpegs]))
        if not np.isfinite(found_BD).all():
            raise overflowed(self._settings.model, self._settings.dtype, "features.clip.dtype")
        return found_BD

    @torch.inference_mode()
    def _seen(self, jpegs: Sequence[bytes]) -> Floats:
        pictures = [Image.open(io.BytesIO(jpeg)).convert("RGB") for jpeg in jpegs]
        pixels = self._images(images=pictures, return_tensors="pt")["pixel_values"]
        out = self._model(pixel_values=pixels.to(self._model.device, self._model.dtype))
        return np.asarray(out.image_embeds.float().cpu().numpy(), dtype=np.float32)


class _Half:
    """The image half of a CLIP, as `pretrained.load` asks Auto classes for a model."""

    def __init__(self) -> None:
        from transformers import CLIPVisionModelWithProjection

        self._class = CLIPVisionModelWithProjection

    def from_pretrained(self, folder: Path, *, trust_remote_code: bool, **options: Any) -> Any:
        from transformers import AutoConfig

        whole = AutoConfig.from_pretrained(
            folder, local_files_only=True, trust_remote_code=trust_remote_code
        )
        return self._class.from_pretrained(folder, config=_vision(whole), **options)

    def from_config(self, config: Any, trust_remote_code: bool) -> Any:
        return self._class._from_config(_vision(config))


def _vision(config: Any) -> Any:
    """The image half's configuration, of the width that the whole one says its space has."""
    found = getattr(config, "vision_config", config)
    found.projection_dim = config.projection_dim
    return found


def _processor(name: str, folder: Path) -> Any:
    """Resizes by Pillow even where torchvision is installed, which rounds otherwise."""
    from transformers import AutoImageProcessor

    try:
        return AutoImageProcessor.from_pretrained(
            folder, backend="pil", local_files_only=True, trust_remote_code=False
        )
    except pretrained.FAILURES as error:
        raise UserError(
            f"{name}: no usable image processor in {folder} ({pretrained.first_line(error)}); name "
            f"a CLIP as features.clip.model, such as {KIND.alternative}"
        ) from error


def configuration(settings: Settings, folder: Path | None = None) -> Any:
    """The model's transformers configuration. Raises UserError where it is no CLIP's."""
    config = architecture.configuration(settings.model, settings.revision, KIND, folder)
    if config.model_type not in ("clip", "clip_vision_model"):
        raise UserError(
            f"{settings.model}: is no CLIP model ({config.model_type}); name one as "
            f"features.clip.model, such as {KIND.alternative}"
        )
    return config


class Weighed(NamedTuple):
    """What a CLIP's image half is: its parameters, the operations of a frame and the numbers that
    one is between two layers, and D.
    """

    parameters: int
    operations: float
    states: int
    width: int


def weighed(settings: Settings, config: Any) -> Weighed:
    """Of a configuration, without weights."""
    parameters, linear = architecture.encoder(_Half(), settings.model, config)
    vision = _vision(config)
    tokens, wide = (vision.image_size // vision.patch_size) ** 2 + 1, vision.hidden_size
    patches = tokens * wide * 3 * vision.patch_size**2
    among = 2 * vision.num_hidden_layers * wide * tokens**2
    operations = 2.0 * (tokens * linear + patches + among)
    return Weighed(parameters, operations, tokens * wide, int(config.projection_dim))


def read_frames(
    path: Path, timeline: Timeline, settings: Settings, store: Store
) -> tuple[Mapping[str, Floats], list[str]]:
    """One vector a sampled frame, computing what the store does not hold.

    Args:
        path: a file of frames, as the sample stage writes it.
        timeline: the videos wanted.

    Returns:
        Each video's vectors (T, D), all computed and read from the store when they are asked for;
        and the keys of the store's items that belong to them.

    Raises:
        UserError: the model cannot be had or used, or frames are missing or of other picks.
    """
    folder = hub.fetch(settings.model, settings.revision, KIND)
    config = configuration(settings, folder)
    shared = {
        "stage": "clip",
        "version": VERSION,
        "weights": hub.identity(settings.model, settings.revision, KIND),
        "dtype": settings.dtype,
    }
    tasks: list[Task[Batch]] = []
    with frames.reading(path) as videos:
        known = videos.by_name
        for video in timeline.videos:
            if video.name not in known:
                raise UserError(f"{path}: lacks {video.name}; {anew('sample')}")
            of = known[video.name]
            same_picks(video, of.picks(), str(path))
            prints = [hashlib.sha256(jpeg).hexdigest() for jpeg in of.jpegs()]
            for start in range(0, len(prints), settings.batch):
                part = prints[start : start + settings.batch]
                batch = Batch(video.name, start, start + len(part))
                tasks.append(Task(key(**shared, frames=part), batch, len(part)))
    missing = sum(task.cost for task in tasks if task.key not in store)
    if missing:
        size = weighed(settings, config)
        named = settings.model, "features.clip.model", size.parameters, settings.dtype
        burden.checked(Burden(*named, missing, "frames", missing * size.operations))
    load = partial(ImageHalf, settings, path)
    # The frames are a file of this machine, so that no other is asked.
    results = stream(tasks, load, store, "batches of frames", "frames", processes=1)
    next(results, None)  # which is not read before all are kept
    return _Vectors(tasks, partial(result, store, load=load)), [task.key for task in tasks]


class _Vectors(MadeAnew[Floats]):
    """What was made of each video's frames, read from the store when it is asked for."""

    def __init__(self, tasks: Sequence[Task[Batch]], read: Callable[[Task[Batch]], Arrays]) -> None:
        self._tasks: dict[str, list[Task[Batch]]] = {}
        for task in tasks:
            self._tasks.setdefault(task.payload.video, []).append(task)
        self._read = read
        super().__init__(self._tasks)

    def make(self, name: str) -> Floats:
        return np.concatenate([self._read(task)["clip"] for task in self._tasks[name]])

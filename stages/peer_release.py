"""A checkpoint of another paper's system, on the files that its authors feed it.

Shapes: T sampled frames.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from stages.artifacts.timeline import Timeline
from stages.artifacts.video import Video
from stages.errors import UserError
from stages.scorers import registry
from stages.scorers.entry import Input
from stages.scorers.peers.captioned import TEXT
from stages.scorers.peers.peer import Peer
from stages.sources import featured

Floats = npt.NDArray[np.float32]

PROVIDED: Mapping[str, str] = MappingProxyType(
    {
        "query": "their user_prompt_pool.h5",
        "answer": "their gen_pool.h5",
        "pool5": "the field's h5 with features",
        "i3d-rgb": "MSVA's file or folder of it",
        "i3d-flow": "MSVA's file or folder of it",
        "clip": "a file of CLIP's features of the frames",
        "sentence": "a file of vectors of captions, such as data/D/inputs/sentence.h5",
    }
)
"""By input: what a file of it is."""


@dataclass(frozen=True)
class PeerRelease:
    """A checkpoint of another paper's system, and files of features by input."""

    kind: str
    checkpoint: Path
    files: Mapping[Input, Path]

    def scores(self, timeline: Timeline) -> Iterator[tuple[str, Floats]]:
        """The checkpoint's scores (T,) of each video of a timeline, by name.

        Of the files, those that its authors feed it are read. Raises UserError: one is missing or
        not what it should be, or files do not fit each other.
        """
        model = registry.load_checkpoint(self.kind, self.checkpoint)
        if not isinstance(model, Peer):
            raise UserError(f"a scorer of kind {self.kind} is no system of another paper")
        found = {
            str(name): path for name, path in self.files.items() if name in model.authors_inputs
        }
        complete(self.kind, self.checkpoint, model.authors_inputs, found)
        widths = {
            name: model.sizes["text" if name == TEXT else "width"] for name in model.authors_inputs
        }
        for video, inputs in _read(found, timeline):
            for name, x_TD in inputs.items():
                if x_TD.shape[1] != widths[name]:
                    raise UserError(
                        f"{self.checkpoint} takes {name} {widths[name]} wide, and {found[name]} "
                        f"holds it {x_TD.shape[1]} wide; name {PROVIDED[name]} as --{name}"
                    )
            try:
                yield video.name, model.scores(inputs).numpy()
            except UserError as error:
                raise UserError(f"{self.checkpoint}: {video.name}: {error}") from error


def complete(
    kind: str, checkpoint: Path, wanted: tuple[str, ...], files: Mapping[Any, Path]
) -> None:
    """Raises UserError, with what is to be named, where an input has no file."""
    if lacking := [name for name in wanted if name not in files]:
        named = ", and ".join(f"{PROVIDED[name]} as --{name}" for name in lacking)
        raise UserError(
            f"{checkpoint}: a scorer of kind {kind} is fed {' and '.join(wanted)}; name {named}"
        )


def _read(
    files: Mapping[str, Path], timeline: Timeline
) -> Iterator[tuple[Video, dict[str, Tensor]]]:
    """Each video with its inputs (T, D), one in memory at a time."""
    each = [
        featured.read(path, timeline, f"name {PROVIDED[name]} as --{name}")
        for name, path in files.items()
    ]
    for of_video in zip(*each, strict=True):
        video = of_video[0][0]
        yield (
            video,
            {name: torch.from_numpy(x_TD) for name, (_, x_TD) in zip(files, of_video, strict=True)},
        )

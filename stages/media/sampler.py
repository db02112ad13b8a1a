"""Videos taken apart through the work store: what is finished of them outlives a stopped stage.

Shapes: T sampled frames, D image feature width.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch

from stages.artifacts.video import Video
from stages.media import sampling
from stages.media.jpegs import packed, unpacked
from stages.media.sampling import Taken
from stages.media.settings import Sample
from stages.vision.encoder import ImageEncoder
from stages.work.items import Arrays
from stages.work.store import content_hash, key

VERSION = 3
"""Of what the code makes of the same determinants; raised where it makes something else."""

Found = tuple[Path, Video]
"""A video's file, and what is known of it."""


@dataclass(frozen=True)
class Sampler:
    """Worker of the executor: takes videos apart, each on a single thread.

    The last bits of the features depend on how many threads a convolution is cut for.
    """

    settings: Sample

    def __call__(self, videos: list[Found]) -> Iterator[tuple[int, Arrays]]:
        """Each video's arrays: `jpeg`, its frames' bytes end to end, `lengths` of those (T,),
        `features` (T, D), `times` (T,), `fps` and `n_frames`, as the file decodes to.

        Raises UserError as `sampling.take`.
        """
        torch.set_num_threads(1)
        encoder = self._encoder
        for index, (path, video) in enumerate(videos):
            taken = sampling.take(
                path, video, self.settings, lambda shown: encoder(shown).features_TD
            )
            yield index, _arrays(taken)

    @cached_property
    def _encoder(self) -> ImageEncoder:
        return ImageEncoder.load()  # once in a process, which is handed a video at a time

    def key(self, path: Path, video: Video) -> str:
        """Of everything that determines what is taken of a video.

        Shots are not among it: they are found in what was taken. Nor is how many frames more or
        fewer than expected are let pass, which is asked of what was taken too.
        """
        return key(
            stage="sample",
            version=VERSION,
            file=content_hash(path),
            n_frames=video.n_frames,
            picks=video.picks_T,
            short_side=self.settings.short_side,
            jpeg_quality=self.settings.jpeg_quality,
            encoder=ImageEncoder.identity,
        )


def _arrays(taken: Taken) -> Arrays:
    return {
        **packed(taken.jpegs),
        "features": taken.features_TD,
        "times": taken.times_T,
        "fps": np.array(taken.fps, dtype=np.float64),
        "n_frames": np.array(taken.n_frames, dtype=np.int64),
    }


def taken_of(arrays: Arrays) -> Taken:
    """What was taken of a video, from a worker's arrays."""
    clock = float(arrays["fps"]), arrays["times"]
    return Taken(tuple(unpacked(arrays)), arrays["features"], *clock, int(arrays["n_frames"]))

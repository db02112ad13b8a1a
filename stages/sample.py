"""The sample stage: videos to frames, image features and shots."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import torch
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from stages import command, params
from stages.artifacts import field as annotations
from stages.artifacts import frames
from stages.media import sampling
from stages.vision.encoder import ImageEncoder

log = logging.getLogger("llmvs")


def sample(
    dataset: Annotated[str, typer.Option(help="An entry of params.yaml: datasets.")],
    raw: Annotated[Path, typer.Option(help="Folder with videos/ and annotations.h5.")],
    out: Annotated[Path, typer.Option(help="HDF5 file to write.")],
) -> None:
    """Sample every 15th frame of each video and look at it.

    Writes OUT with, for each video, the sampled frames as JPEG, their features by the image
    encoder, and the video's shots: the annotations' own, or kernel temporal segmentation of the
    features where there are none. A video that is missing, damaged or of another length than was
    annotated ends the stage; an earlier OUT then stays as it was.
    """
    recipe = params.recipe(dataset)
    settings = recipe.sample
    videos = annotations.read(raw / "annotations.h5").videos
    if recipe.embeddings is not None:
        frames.write(out, (sampling.unseen(video, settings) for video in videos))
        log.info("%s: picks and shots of %d videos, whose embeddings are given", out, len(videos))
        return
    paths = [sampling.find(raw / "videos", video.video_name) for video in videos]
    # The last bits of the features depend on how many threads a convolution is cut for.
    torch.set_num_threads(1)
    encoder = ImageEncoder.load()

    columns = (TextColumn("sampling videos"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeRemainingColumn(), console=command.stderr) as bar:

        def sampled() -> Iterator[frames.Sampled]:
            pairs = list(zip(paths, videos, strict=True))
            for path, video in bar.track(pairs):
                yield sampling.sample(
                    path, video, settings, lambda images: encoder(images).features_TD
                )

        frames.write(out, sampled())
    log.info("%s: the frames of %d videos", out, len(videos))


if __name__ == "__main__":
    command.run(sample)

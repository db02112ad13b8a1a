"""The sample stage: videos to frames, image features and shots."""

import logging
from pathlib import Path
from typing import Annotated

import torch
import typer

from stages import command, section
from stages.artifacts import frames, image
from stages.artifacts import timeline as timelines
from stages.artifacts.timeline import Timeline
from stages.media import sampling
from stages.media.settings import Sample
from stages.vision.encoder import ImageEncoder
from stages.work.executor import progress

log = logging.getLogger("llmvs")


def sample(
    dataset: Annotated[str, typer.Option(help="An entry of params.yaml: datasets.")],
    source: Annotated[Path, typer.Option(help="Folder with videos/ and timeline.h5.")],
    timeline: Annotated[Path, typer.Option(help="The final timeline, to write.")],
    frames_to: Annotated[Path, typer.Option("--frames", help="HDF5 file of JPEGs, to write.")],
    images: Annotated[Path, typer.Option(help="HDF5 file of image features, to write.")],
) -> None:
    """Take the frames that the timeline picks out of each video and look at them.

    Writes the picked frames as JPEG, their features by the image encoder, and the timeline with
    each file's own frame rate and shots: those known already, or kernel temporal segmentation of
    the features where there are none. A video that is missing, damaged or of another length than
    its people judged ends the stage; earlier outputs then stay as they were.
    """
    settings = section.lookup(Sample, "datasets", dataset, "sample")
    known = timelines.read(source / "timeline.h5")
    paths = [sampling.find(source / "videos", video.title) for video in known.videos]
    # The last bits of the features depend on how many threads a convolution is cut for.
    torch.set_num_threads(1)
    encoder = ImageEncoder.load()

    final = []
    with (
        frames.writing(frames_to) as put_frames,
        image.writing(images) as put_features,
        progress(command.stderr) as bar,
    ):
        pairs = list(zip(paths, known.videos, strict=True))
        for path, video in bar.track(pairs, description="sampling videos"):
            taken = sampling.sample(path, video, settings, lambda shown: encoder(shown).features_TD)
            put_frames(frames.Sampled(video.name, video.picks_T, taken.jpegs))
            put_features(taken.video, taken.features_TD)
            final.append(taken.video)
    timelines.write(timeline, Timeline(known.dataset, tuple(final)))
    log.info("%s: the frames of %d videos", frames_to, len(final))


if __name__ == "__main__":
    command.run(sample)

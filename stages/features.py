"""features: what others made of the frames, on the dataset's timeline."""

import logging
from pathlib import Path
from typing import Annotated

import typer

from stages import command, section
from stages.artifacts import features as feature_file
from stages.artifacts import timeline as timelines
from stages.sources import featured
from stages.sources.settings import Features

log = logging.getLogger("llmvs")


def features(
    dataset: Annotated[str, typer.Option(help="an entry of params.yaml: datasets")],
    timeline: Annotated[Path, typer.Option(help="the dataset's videos and their picks")],
    out: Annotated[Path, typer.Option(help="folder of what scorers are fed, to write to")],
) -> None:
    """Read features of the frames from files at hand, and hold them against the timeline.

    What systems of other papers are fed: `pool5`, the field's GoogLeNet features; `i3d-rgb` and
    `i3d-flow`, MSVA's; `clip`, CLIP's of each frame. A file that datasets.D.features does not name
    is written all the same and says so, and rows that are fed it are left out.

    Writes NAME.h5 for each of them, a group a video: features (T, D), picks (T,).
    """
    settings: Features = section.lookup(Features, "datasets", dataset, "features")
    videos = timelines.read(timeline)
    for name, path in settings.paths.items():
        if path is None:
            why = f"datasets.{dataset}.features.{name} in params.yaml names no file of it"
            feature_file.write_left_out(out / f"{name}.h5", why)
            continue
        feature_file.write(out / f"{name}.h5", featured.read(Path(path), videos))
        log.info("%s: the features of %d videos", out / f"{name}.h5", len(videos.videos))


if __name__ == "__main__":
    command.run(features)

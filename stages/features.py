"""features: what others made of the frames, and CLIP of them, on the dataset's timeline."""

import logging
from pathlib import Path
from typing import Annotated

import typer

from stages import command, section
from stages.artifacts import features as feature_file
from stages.artifacts import timeline as timelines
from stages.artifacts.timeline import Timeline
from stages.encoders.images import read_frames
from stages.errors import UserError
from stages.sources import featured
from stages.sources.settings import Clip, Features
from stages.training import provisions
from stages.work.store import Store

log = logging.getLogger("llmvs")

UNWANTED = "no row of run.models is fed `clip`"


def features(
    dataset: Annotated[str, typer.Option(help="an entry of params.yaml: datasets")],
    timeline: Annotated[Path, typer.Option(help="the dataset's videos and their picks")],
    out: Annotated[Path, typer.Option(help="folder of what scorers are fed, to write to")],
    frames: Annotated[
        Path | None, typer.Option(help="HDF5 file of JPEGs (from sample), where there are videos")
    ] = None,
) -> None:
    """Read features of the frames from files at hand, and hold them against the timeline.

    What systems of other papers are fed: `pool5`, the field's GoogLeNet features; `i3d-rgb` and
    `i3d-flow`, MSVA's; `clip`, CLIP's of each frame. A file that datasets.D.features does not name
    is written all the same and says so, and rows that are fed it are left out.

    Where there are videos, `clip` may name a model in place of a file: its image half then looks
    at every sampled frame, if a row of run.models is fed `clip`. Finished batches are kept in the
    work store.

    Writes NAME.h5 for each of them, a group a video: features (T, D), picks (T,).
    """
    settings: Features = section.lookup(Features, "datasets", dataset, "features")
    videos = timelines.read(timeline)
    for name, path in settings.paths.items():
        if name == "clip" and isinstance(settings.clip, Clip):
            _seen(dataset, settings.clip, videos, frames, out / f"{name}.h5")
            continue
        if path is None:
            why = f"datasets.{dataset}.features.{name} in params.yaml names no file of it"
            feature_file.write_left_out(out / f"{name}.h5", why)
            continue
        feature_file.write(out / f"{name}.h5", featured.read(Path(path), videos))
        log.info("%s: the features of %d videos", out / f"{name}.h5", len(videos.videos))


def _seen(dataset: str, clip: Clip, videos: Timeline, frames: Path | None, out: Path) -> None:
    if frames is None:
        raise UserError(
            f"params.yaml: datasets.{dataset}.features.clip names a model, and there are no frames "
            "for it to look at where no videos are given; name a file of its features"
        )
    models = section.lookup(list[str], "run", "models")
    if not any("clip" in provisions.inputs_of(dataset, name) for name in models):
        feature_file.write_left_out(out, UNWANTED)
        return
    store = Store.default("features", out)
    found, keys = read_frames(frames, videos, clip, store)
    feature_file.write(out, ((videos.by_name[name], x_TD) for name, x_TD in found.items()))
    store.keep(keys)
    log.info("%s: %d videos as %s sees them", out, len(found), clip.model)


if __name__ == "__main__":
    command.run(features)

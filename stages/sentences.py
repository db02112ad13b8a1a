"""sentences: a frozen text model turns each caption into one vector."""

import logging
from pathlib import Path
from typing import Annotated

import typer

from stages import command, section
from stages.artifacts import captions as caption_file
from stages.artifacts import features
from stages.artifacts import timeline as timeline_file
from stages.encoders.neighbours import mean_over
from stages.encoders.reader import read_videos
from stages.encoders.settings import Sentences
from stages.training import provisions
from stages.work.store import Store

log = logging.getLogger("llmvs")

UNWANTED = "no row of run.models is fed `sentence`"


def sentences(
    dataset: Annotated[str, typer.Option(help="an entry of params.yaml: datasets")],
    captions: Annotated[Path, typer.Option(help="JSON lines, one a frame")],
    timeline: Annotated[Path, typer.Option(help="the dataset's videos and their picks")],
    out: Annotated[Path, typer.Option(help="HDF5 file to write")],
) -> None:
    """Turn each frame's caption into a vector by itself, without a question.

    It is the input `sentence`: what the captions themselves hold, before any LLM judges them. With
    a `window` it is the mean over the captions around a frame: all that the LLM is shown of them,
    without its judgement. Where no row of run.models is fed it, no model is loaded, and the file
    says so.

    Captions that read the same are read once. Finished batches are kept in the work store, so a
    stopped run goes on where it was and ends with the same file, byte for byte.

    One group a video: features (T, D), picks (T,).
    """
    if not wanted(dataset):
        features.write_left_out(out, UNWANTED)
        log.info("%s: nothing to do: %s", out, UNWANTED)
        return
    settings: Sentences = section.lookup(Sentences, "datasets", dataset, "sentences")
    videos = timeline_file.read(timeline)
    said = caption_file.of_timeline(captions, videos)
    store = Store.default("sentences", out)
    found, keys = read_videos(caption_file.Words(said), settings, store)
    features.write(
        out,
        (
            (videos.by_name[video], mean_over(x_TD, settings.window))
            for video, x_TD in found.items()
        ),
    )
    store.keep(keys)


def wanted(dataset: str) -> bool:
    """Whether a row of run.models is fed what this stage makes."""
    models = section.lookup(list[str], "run", "models")
    return any("sentence" in provisions.inputs_of(dataset, name) for name in models)


if __name__ == "__main__":
    command.run(sentences)

"""The download stage: videos, and what people say of them."""

import logging
from pathlib import Path
from typing import Annotated

import typer

from stages import command, section
from stages.artifacts import timeline
from stages.errors import UserError
from stages.sources import beforehand, demo, folder, mrhisum, published
from stages.sources.settings import (
    AnyDownload,
    FolderDownload,
    Given,
    MrHisumDownload,
    SumMeDownload,
    TVSumDownload,
)
from stages.work.store import Store

log = logging.getLogger("llmvs")


def download(
    dataset: Annotated[str, typer.Option(help="An entry of params.yaml: datasets.")],
    out: Annotated[Path, typer.Option(help="Folder for timeline.h5, people.h5 and videos/.")],
    source: Annotated[
        Path | None, typer.Option(help="Of one's own films, what DVC watches: download.source.")
    ] = None,
) -> None:
    """Bring a dataset's timeline, people's judgement and, where they are what is given, its videos.

    Writes OUT/timeline.h5, OUT/people.h5 and, where the recipe is given videos, OUT/videos/. SumMe
    and TVSum are fetched once into the work store, or read from `download.source`; without videos
    only people's judgement is fetched. Of several files of a video, as SumMe has, the one whose
    length is nearest to the annotated is taken. Of MR.HiSum, whose h5 is fetched by hand, only the
    split is fetched; of its videos those that `download.videos` has are taken, and OUT/missing.csv
    lists the others. The demo is made, not fetched: short videos of the
    photographs in scikit-image, judged by simulated people. Films of one's own are copied: what is
    in them, `sample` finds out, and nobody judged them.

    What can be told early ends the stage early: an h5 is held against what is known of the
    benchmark before anything is fetched, and captions, embeddings or scores at hand against the
    timeline as soon as there is one. What needs a tokenizer or a scorer is left to `llmvs check`,
    which does all of it: were it done here, a changed prompt would have videos fetched anew.
    """
    settings = section.lookup(AnyDownload, "datasets", dataset, "download")
    if isinstance(settings, FolderDownload):
        if source is not None and source != Path(settings.source).expanduser():
            raise UserError(
                f"datasets.{dataset}.download.source is {settings.source}, and DVC watches "
                f"{source}; bring them in line: llmvs deps --write"
            )
        folder.make(settings, out)
        return
    given = section.lookup(Given, "datasets", dataset, "given")
    videos = given.kind == "videos"
    work = Store.default().root / "downloads"
    for said in beforehand.absent(given):
        log.warning("params.yaml: datasets.%s.%s; the stage that follows wants it", dataset, said)
    match settings:
        case SumMeDownload():
            published.make_summe(dataset, settings, out, work, videos)
        case TVSumDownload():
            published.make_tvsum(dataset, settings, out, work, videos)
        case MrHisumDownload():
            simulated = section.lookup(bool, "datasets", dataset, "simulated")
            mrhisum.make(dataset, settings, simulated, out, work, videos)
        case _:
            demo.make(dataset, settings, out, videos)
    beforehand.check_given(given, timeline.read(out / "timeline.h5"), work)


if __name__ == "__main__":
    command.run(download)

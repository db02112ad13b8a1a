"""The download stage: videos and people's annotations."""

from pathlib import Path
from typing import Annotated

import typer

from stages import command, params
from stages.errors import UserError
from stages.sources import demo, published
from stages.work.store import Store


def download(
    dataset: Annotated[str, typer.Option(help="An entry of params.yaml: datasets.")],
    out: Annotated[Path, typer.Option(help="Folder for videos/ and annotations.h5.")],
) -> None:
    """Bring a dataset's videos and annotations into place.

    Writes OUT/videos/ and OUT/annotations.h5 in the field's own schema. SumMe and TVSum are
    fetched once into the work store, or read from `download.source`. The demo is made, not
    fetched: short videos of the photographs in scikit-image, judged by simulated people.
    """
    recipe = params.recipe(dataset)
    settings = recipe.download
    if recipe.simulated != isinstance(settings, params.DemoDownload):
        raise UserError(
            f"params.yaml: datasets.{dataset}.simulated must be true for the demo, whose people "
            "are, and false for a dataset of real people"
        )
    videos = recipe.embeddings is None
    work = Store.default().root / "downloads"
    match settings:
        case params.DemoDownload():
            demo.make(dataset, settings, out)
        case params.SumMeDownload():
            published.make_summe(dataset, settings, out, work, videos)
        case params.TVSumDownload():
            published.make_tvsum(dataset, settings, out, work, videos)


if __name__ == "__main__":
    command.run(download)

"""The download stage: videos and people's annotations."""

from pathlib import Path
from typing import Annotated

import typer

from stages import command, params
from stages.datasets import demo
from stages.errors import UserError


def download(
    dataset: Annotated[str, typer.Option(help="An entry of params.yaml: datasets.")],
    out: Annotated[Path, typer.Option(help="Folder for videos/ and annotations.h5.")],
) -> None:
    """Bring a dataset's videos and annotations into place.

    Writes OUT/videos/NAME.mp4, and OUT/annotations.h5 in the field's own schema. The demo is made,
    not fetched: short videos of the photographs in scikit-image, judged by simulated people.
    """
    recipe = params.recipe(dataset)
    if not recipe.simulated:
        raise UserError(
            f"params.yaml: datasets.{dataset}.simulated must be true: the people of the demo are"
        )
    demo.make(dataset, recipe.download, out)


if __name__ == "__main__":
    command.run(download)

"""feeds: what each row would be fed here, and what it lacks."""

from functools import cache
from pathlib import Path
from typing import Annotated, Any

import typer

from stages import command, section
from stages.artifacts import feed as feed_file
from stages.artifacts.feed import Feed
from stages.training import provisions
from stages.work.store import content_hash


def feeds(
    dataset: Annotated[str, typer.Option(help="an entry of params.yaml: datasets")],
    inputs: Annotated[Path, typer.Option(help="folder of what scorers are fed")],
    out: Annotated[Path, typer.Option(help="folder to write a file a row to")],
) -> None:
    """Note for every entry of `models` the files that its inputs are read from, or what it lacks.

    DVC knows a folder of inputs by all that is in it. By these notes a row is trained again where a
    file that it is fed has changed, and not where one appears that another row wants.

    Writes M.json for each entry M: {"files": {name: sha256}, "lacks": {input: what brings it}}.
    """
    known = cache(content_hash)
    for name in section.lookup(dict[str, Any], "models"):
        wanted = provisions.inputs_of(dataset, name)
        lacks = provisions.lacking(inputs, wanted)
        names = () if lacks else provisions.files(wanted)
        files = {file: known(inputs / file) for file in names}
        feed_file.write(
            out / f"{name}.json",
            Feed(files=files, lacks={str(each): why for each, why in lacks.items()}),
        )


if __name__ == "__main__":
    command.run(feeds)

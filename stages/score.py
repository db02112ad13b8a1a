"""score: films of one's own by a scorer that was trained elsewhere, or learns nothing."""

import logging
from pathlib import Path
from typing import Annotated

import typer

from stages import command, section
from stages.artifacts import scores as score_file
from stages.artifacts import timeline as timeline_file
from stages.errors import UserError
from stages.llm.settings import Embed
from stages.skimming import film_scorer
from stages.skimming.settings import Score, captioning
from stages.training.inputs import Inputs

log = logging.getLogger("llmvs")


def score(
    dataset: Annotated[str, typer.Option(help="an entry of params.yaml: datasets")],
    timeline: Annotated[Path, typer.Option(help="the films and their picks (from sample)")],
    inputs: Annotated[Path, typer.Option(help="folder of what scorers are fed")],
    scorer: Annotated[Path, typer.Option(help="where the scorer lies, which DVC watches")],
    out: Annotated[Path, typer.Option(help="HDF5 file to write")],
) -> None:
    """Score the sampled frames of films that nobody judged.

    By a head that comes with the package, one of one's own, a row as another recipe trained it (the
    mean over the folds of its first protocol, with its first seed), or `representative`, which
    learns nothing. Embeddings of other settings than the scorer learnt from are refused, and what
    differs is named.

    One group, the scorer's, with an array (T,) a film, from 0 to 1.
    """
    settings: Score = section.lookup(Score, "datasets", dataset, "score")
    if settings.place != scorer:
        raise UserError(
            f"datasets.{dataset}.score.scorer is {settings.scorer}, which lies at "
            f"{settings.place}, and --scorer, which DVC watches, is {scorer}; bring them in line: "
            "name that path, or, in the DAG, llmvs deps --write"
        )
    chosen = film_scorer.of(settings.scorer)
    if chosen.embed is not None:
        ours: Embed = section.lookup(Embed, "datasets", dataset, "embed")
        chosen.check(ours, f"datasets.{dataset}.embed")
    by = chosen.among(captioning(dataset))
    films = timeline_file.read(timeline).videos
    with Inputs(inputs, settings.scorer, chosen.inputs).reading() as file:
        found = {film.name: chosen(file.video(film, "strict", 0)) for film in films}
    score_file.write(out, {chosen.name.rpartition("/")[2]: found}, by)
    log.info("%s: %d films, by %s", out, len(found), by)


if __name__ == "__main__":
    command.run(score)

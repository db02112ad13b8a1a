"""skim: films of one's own, scored, to their summaries."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from stages import command, params, summarising
from stages.artifacts import captions as caption_file
from stages.artifacts import embeddings, summaries
from stages.artifacts import scores as score_file
from stages.artifacts import timeline as timeline_file
from stages.artifacts.places import Places
from stages.artifacts.summaries import Made, Summaries, Summarised
from stages.artifacts.timeline import Timeline
from stages.media import sampling, shots
from stages.media.looking import look
from stages.pages.skim import skim_page
from stages.skimming.films import Films
from stages.skimming.reading import Read
from stages.skimming.scoring import Scored
from stages.skimming.settings import SkimRecipe
from stages.skimming.summary import Summary, of_scores
from stages.summaries.pieces import Wish
from stages.summarising import Wanted
from stages.work.store import Store, content_hash


def skim(
    dataset: Annotated[str, typer.Option(help="an entry of params.yaml: datasets")],
    data: Annotated[Path, typer.Option(help="folder of what the stages before made")],
    out: Annotated[Path, typer.Option(help="folder of skims and pages to write")],
    summaries_to: Annotated[Path, typer.Option("--summaries", help="JSON file to write")],
) -> None:
    """Cut films down to the shots that are worth most together, each with a page that says why.

    What `llmvs summarise` makes of a film, out of what the stages before left: NAME.summary.mp4,
    the lists that skim.formats names, and NAME.summary.html. The JSON file says what there is, and
    stands for it: the report reads nothing else.
    """
    recipe = params.films(dataset)
    places, store = Places(data), Store.default()
    spine = timeline_file.read(places.timeline)
    by = score_file.origin(places.scores)
    wanted = Wanted(set(recipe.skim.formats))
    lines = []
    for summary in _summaries(dataset, recipe, places, spine, by, store):
        stem = out / f"{summary.film.path.stem}.summary"
        made = list(summarising.made(summary, stem, wanted, store))
        lines.append(_line(summary, made))
    found = Summaries(
        title=recipe.title,
        length=recipe.skim.length,
        scored_by=by,
        captions_by=skim_page.captioner(recipe.caption),
        films=tuple(lines),
    )
    summaries.write(summaries_to, found)


def _summaries(
    dataset: str, recipe: Films, places: Places, spine: Timeline, by: str, store: Store
) -> Iterator[Summary]:
    """Of each film, one in memory at a time."""
    (scores,) = score_file.read(places.scores, spine).values()
    wish = Wish.parsed(recipe.skim.length)
    how = SkimRecipe(dataset, recipe.caption, recipe.score.scorer, recipe.sample)
    said = _read(recipe, places, spine)
    for video in spine.videos:
        # Finished work of the sample stage: nothing is decoded or looked at anew.
        film = look(sampling.find(places.videos, video.title), recipe.sample, store)
        timeline_file.same_picks(video, film.picks_T, str(film.path))
        scored = Scored(scores[video.name].astype(np.float32), by, said.get(video.name))
        known_S2 = shots.seconds(film, video.known_shots())
        yield of_scores(film, how, scored, known_S2, wish, None)


def _read(recipe: Films, places: Places, spine: Timeline) -> dict[str, Read]:
    """What was said of every frame, where captions are made; states are left where they are."""
    if recipe.embed is None:
        return {}
    said = caption_file.of_timeline(places.captions, spine)
    found = {}
    with embeddings.reading(places.embeddings) as file:
        for video in spine.videos:
            replies = file.video(video).replies
            assert replies is not None  # an LLM was asked here
            words = tuple(line.caption for line in said[video.name])
            found[video.name] = Read(words, tuple(replies), {})
    return found


def _line(summary: Summary, made: list[Path]) -> Summarised:
    files = {path.suffix: Made(name=path.name, sha256=content_hash(path)) for path in made}
    return Summarised(
        film=summary.film.path.name,
        seconds=round(summary.film.seconds, 6),
        kept_seconds=round(summary.seconds, 6),
        shots=len(summary.shots),
        kept_shots=len(summary.kept),
        page=files[".html"],
        skim=files.get(".mp4"),
        damage=summary.film.timing.damage,
    )


if __name__ == "__main__":
    command.run(skim)

"""A film's summary: its shots, what each is worth, and which are kept.

    from stages.skimming.summary import summarise
    summary = summarise(Path("holiday.mp4"), length="15%")
    for piece in summary.kept:
        print(piece.start, piece.end, summary.shots[piece.shot].caption)

Shapes: T sampled frames, S shots.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from stages.media import shots
from stages.media.looking import Film, look
from stages.skimming import settings
from stages.skimming.scoring import Scored, Scoring
from stages.skimming.settings import SkimRecipe
from stages.summaries.pieces import Piece, Wish, chosen
from stages.work import cache
from stages.work.store import Store

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Shot:
    """A shot of a film.

    start, end: in seconds from the film's first frame. score: the mean of its frames', 0 to 1.
    best: index of its best sampled frame; moment: when that is shown. caption, reply: of that
    frame; None where no words were made.
    """

    start: float
    end: float
    score: float
    best: int
    moment: float
    caption: str | None
    reply: str | None

    @property
    def seconds(self) -> float:
        return self.end - self.start


@dataclass(frozen=True, eq=False)
class Summary:
    """What was made of a film.

    wish: the length asked for. ask: what the viewer cares about, if that was said. kept: pieces in
    order; a piece is a whole shot, unless a single one was too long and had to be trimmed.
    """

    film: Film
    recipe: SkimRecipe
    wish: Wish
    ask: str | None
    scored: Scored
    shots: tuple[Shot, ...]
    kept: tuple[Piece, ...]

    @property
    def seconds(self) -> float:
        """Of what is kept."""
        return sum(piece.end - piece.start for piece in self.kept)

    def at(self, wish: Wish) -> tuple[Piece, ...]:
        """What another length would keep."""
        return _chosen(self.shots, wish.seconds(self.film.seconds))


def summarise(
    path: Path,
    length: str = "15%",
    recipe: str = "laptop",
    scorer: str | None = None,
    ask: str | None = None,
    store: Store | None = None,
) -> Summary:
    """Summarise a film.

    Args:
        path: its file.
        length: of the summary: "15%" of the film, or "60s".
        recipe: "laptop", "offline", or an entry of params.yaml: datasets that captions frames.
        scorer: a head's name or file, D/M for row M as recipe D trained it, or
            "representative"; None: the recipe's own.
        ask: what the viewer cares about, in words.
        store: of finished work; None: `library()`.

    Raises:
        UserError: the file is no video, or something that was named cannot be had.
    """
    kept = library() if store is None else store
    chosen_recipe = settings.of(recipe, scorer)
    wish = Wish.parsed(length)
    return of_film(path, chosen_recipe, Scoring(chosen_recipe, ask, kept), wish, ask, kept)


def of_film(
    path: Path,
    recipe: SkimRecipe,
    scoring: Scoring,
    wish: Wish,
    ask: str | None,
    store: Store,
    told: Callable[[int], None] = lambda frames: None,
) -> Summary:
    """As `summarise`, with what several films share made once; told counts frames decoded."""
    film = look(path, recipe.looking, store, told)
    found_S2 = shots.kept(film, recipe.looking, store)
    return of_scores(film, recipe, scoring(film), found_S2, wish, ask)


def of_scores(
    film: Film, recipe: SkimRecipe, scored: Scored, shots_S2: Floats, wish: Wish, ask: str | None
) -> Summary:
    """A summary of a film whose scores and shots (S, 2), in seconds, are known."""
    found = _shots(film, scored, shots_S2)
    kept = _chosen(found, wish.seconds(film.seconds))
    return Summary(film, recipe, wish, ask, scored, found, kept)


def _shots(film: Film, scored: Scored, shots_S2: Floats) -> tuple[Shot, ...]:
    found = []
    read = scored.read
    for start, end in shots_S2.tolist():
        inside = np.flatnonzero((film.times_T >= start) & (film.times_T < end))
        if not len(inside):  # between two sampled frames: the one before stands for it
            inside = np.array([max(0, int(np.searchsorted(film.times_T, start, "right")) - 1)])
        best = int(inside[np.argmax(scored.scores_T[inside])])
        found.append(
            Shot(
                start=start,
                end=end,
                score=float(scored.scores_T[inside].mean()),
                best=best,
                moment=float(np.clip(film.times_T[best], start, end)),
                caption=None if read is None else read.captions[best],
                reply=None if read is None else read.replies[best],
            )
        )
    return tuple(found)


def _chosen(found: tuple[Shot, ...], seconds: float) -> tuple[Piece, ...]:
    return chosen(
        scores_S=[shot.score for shot in found],
        shots_S2=[(shot.start, shot.end) for shot in found],
        moments_S=[shot.moment for shot in found],
        seconds=seconds,
    )


def library() -> Store:
    """Where finished work on films is kept between runs: `films` in the cache (`$LLMVS_CACHE`)."""
    return Store(cache.library())

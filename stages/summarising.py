"""Films one by one: looked at, read, scored, and what was asked for written beside them."""

import logging
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stages.errors import UserError
from stages.media import cutlist, keyframes, remux, skim, sound, video
from stages.media.cutlist import Entry
from stages.media.skim import Skim
from stages.pages.skim import skim_page
from stages.pages.skim.clock import clock
from stages.skimming.scoring import Scoring
from stages.skimming.settings import SkimRecipe
from stages.skimming.summary import Summary, library, of_film
from stages.summaries.pieces import Wish, spans
from stages.work.bar import progress
from stages.work.files import replacing, tried
from stages.work.store import Store

log = logging.getLogger("llmvs")

_LONG = 900.0  # seconds of a film from which one waits for its skim


@dataclass(frozen=True)
class Wanted:
    """What is to be made of each film beside its page.

    formats: "mp4" and names of `LISTS`. copy: the skim is cut at keyframes, not encoded anew.
    """

    formats: Collection[str]
    copy: bool = False


class Making:
    """Makes what is wanted of one film after the other; what scores them is loaded once.

    Args:
        recipe: that makes the summaries.
        wish: their length.
        ask: what the viewer cares about, or None.
        wanted: what is made.

    Raises:
        UserError: the scorer cannot be had.
    """

    def __init__(self, recipe: SkimRecipe, wish: Wish, ask: str | None, wanted: Wanted) -> None:
        self._recipe, self._wish, self._ask, self._wanted = recipe, wish, ask, wanted
        self._store = library()
        self._scoring = Scoring(recipe, ask, self._store)

    def __call__(self, film: Path, stem: Path) -> Iterator[Path]:
        """The files made of a film, as each is finished. Raises UserError as `of_film`."""
        log.info("%s", film)
        summary = self._summary(film)
        if summary.film.timing.damage:
            log.warning("%s", summary.film.timing.damage)
        if "mp4" in self._wanted.formats and not self._wanted.copy:
            _warned(summary)
        yield from made(summary, stem, self._wanted, self._store)

    def _summary(self, film: Path) -> Summary:
        with progress() as bar:
            row = bar.add_task("frames decoded", total=None)
            return of_film(
                film,
                self._recipe,
                self._scoring,
                self._wish,
                self._ask,
                self._store,
                lambda count: bar.advance(row, count),
            )


def _warned(summary: Summary) -> None:
    """That encoding a long film's skim takes time, and what does not."""
    if summary.film.seconds > _LONG:
        log.info(
            "a skim to the frame is encoded anew, minutes of work for so long a film; --copy cuts "
            "at keyframes in seconds, and --format none, or a cut list, makes no skim at all"
        )


def writable(stem: Path, wanted: Wanted) -> None:
    """Make sure, before hours of work, that what is wanted can be written where it goes.

    Raises UserError where it cannot.
    """
    made = {"mp4": ".mp4", **{name: ending for name, (ending, _) in LISTS.items()}}
    for ending in (".html", *(made[name] for name in made if name in wanted.formats)):
        place = _named(stem, ending)
        try:
            tried(place)
        except OSError as error:
            raise UserError(
                f"{place} cannot be written ({error.strerror}); name another folder with --out, or "
                "give the film a shorter name"
            ) from error


def made(summary: Summary, stem: Path, wanted: Wanted, store: Store) -> Iterator[Path]:
    """The files made of a summary, as each is finished.

    Args:
        summary: of a film.
        stem: what their names begin with.
        wanted: what is made beside the page.
        store: that holds what was seen of the film.

    Raises:
        UserError: the film cannot be cut as is wanted.
    """
    film = summary.film
    log.info(
        "%s: %s of %s, %d of %d shots",
        *(film.path.name, clock(summary.seconds), clock(film.seconds)),
        *(len(summary.kept), len(summary.shots)),
    )
    stem.parent.mkdir(parents=True, exist_ok=True)
    cut, done = None, None
    if "mp4" in wanted.formats:
        cut = _named(stem, ".mp4")
        done = _cut(summary, cut, wanted.copy, store)
        yield cut
    for name, (ending, text) in LISTS.items():
        if name in wanted.formats:
            copied = done if wanted.copy else None  # else a skim is cut where it is asked to be
            yield _written(_named(stem, ending), text(summary, entries(summary, copied)))
    beside = None if cut is None else cut.name
    page = skim_page.build(summary, store, beside, done.said if done is not None else ())
    yield _written(_named(stem, ".html"), page)


def _cut(summary: Summary, target: Path, copy: bool, store: Store) -> Skim:
    kept, film = spans(summary.kept), summary.film
    with progress() as bar:
        row = bar.add_task("the skim, frames gone through", total=None)

        def told(done: int, whole: int) -> None:
            bar.update(row, completed=done, total=whole)

        if copy:
            done = remux.copy(target, film.path, kept, told, keyframes.kept(film, store))
        else:
            done = skim.write(target, film.path, kept, film.timing, told)
    for sentence in done.said:
        log.warning("%s", sentence)
    return done


def entries(summary: Summary, skim: Skim | None = None) -> list[Entry]:
    """What is kept, a piece each. Of a skim that was copied it begins where that was cut."""
    found, begins = [], 0.0
    for piece in summary.kept:
        shot = summary.shots[piece.shot]
        at = begins if skim is None else skim.at(piece.start)
        found.append(Entry(piece.start, piece.end, at, shot.score, shot.caption, shot.reply))
        begins += piece.end - piece.start
    return found


def _edl(summary: Summary, kept: Sequence[Entry]) -> str:
    film = summary.film
    with video.opened(film.path) as (container, stream):
        heard = sound.track(container) is not None
        begins = stream.metadata.get("timecode") or container.metadata.get("timecode", "")
    return cutlist.edl(film.path.name, kept, film.fps, heard, begins)


def _document(summary: Summary, kept: Sequence[Entry]) -> str:
    film = summary.film
    shots = [
        {
            "start": round(shot.start, 6),
            "end": round(shot.end, 6),
            "score": round(shot.score, 6),
            "moment": round(shot.moment, 6),
            "caption": shot.caption,
            "reply": shot.reply,
        }
        for shot in summary.shots
    ]
    more: dict[str, Any] = {
        "recipe": summary.recipe.name,
        "scored_by": summary.scored.by,
        "captions_by": skim_page.captioner(summary.recipe.caption),
        "length": str(summary.wish),
        "ask": summary.ask,
        "seconds": round(film.seconds, 6),
        "fps": round(film.fps, 6),
        "frames": film.n_frames,
        "damage": film.timing.damage,
        "shots": shots,
        "times": [round(time, 6) for time in film.times_T.tolist()],
        "scores": [round(score, 6) for score in summary.scored.scores_T.tolist()],
    }
    return cutlist.document(film.path.name, kept, more)


LISTS: dict[str, tuple[str, Callable[[Summary, Sequence[Entry]], str]]] = {
    "edl": (".edl", _edl),
    "csv": (".csv", lambda _, kept: cutlist.table(kept)),
    "json": (".json", _document),
    "chapters": (
        ".chapters.txt",
        lambda summary, kept: cutlist.chapters(summary.film.path.name, kept, summary.film.seconds),
    ),
}
"""By format: how the file's name ends, and its text."""


def _named(stem: Path, ending: str) -> Path:
    return stem.with_name(stem.name + ending)


def _written(path: Path, text: str) -> Path:
    with replacing(path) as temporary:
        # A file's name may hold what is no letter.
        temporary.write_text(text, encoding="utf-8", errors="replace")
    return path

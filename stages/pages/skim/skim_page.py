"""One film's summary as a page: what was kept, what it is worth, and what was left out around it.

One file without a network: the skim lies beside it, everything else inside. What other lengths
would keep is worked out here, for every step of the page's slider, by the same choice that made the
summary.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from markupsafe import Markup

from stages.captioners.settings import (
    CaptionSettings,
    ImageCaption,
    ImageTextCaption,
    TagCaption,
)
from stages.media.jpegs import packed, unpacked
from stages.pages import templates
from stages.pages.addresses import address
from stages.pages.skim.clock import clock
from stages.pages.thumbnails import WIDTH, Pictures, Thumbnails
from stages.skimming.summary import Summary
from stages.summaries.pieces import Piece, Wish
from stages.work.store import Store, key

Json = dict[str, Any]

VERSION = 2
"""Of what is chosen of the same shots; raised where the choice becomes another."""

STEPS = (0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.1, 0.12, 0.15, 0.18, 0.2, 0.25, 0.3, 0.4, 0.5, 0.75)
"""Shares of the film that the slider offers, beside the one that was asked for."""


def build(summary: Summary, store: Store, skim: str | None, said: Sequence[str] = ()) -> str:
    """The page. The same summary gives the same bytes.

    Args:
        summary: of the film.
        store: that holds what was seen of it.
        skim: name of the video beside the page; None where none was made.
        said: what a person should know of it, a sentence each.
    """
    pictures = Pictures()
    best = [shot.best for shot in summary.shots]
    shown, size = _thumbnails(summary, store, best)
    kept = {piece.shot for piece in summary.kept}
    rank_S = np.argsort(np.argsort([-shot.score for shot in summary.shots], kind="stable"))
    highest = max(shot.score for shot in summary.shots) or 1.0
    steps, made = _steps(summary, store)
    shots = [
        {
            "from": clock(shot.start),
            "to": clock(shot.end),
            "seconds": round(shot.seconds, 2),
            "score": worth(shot.score, highest),
            "height": round(100 * shot.score / highest, 1),
            "rank": int(rank_S[place]) + 1,
            "kept": place in kept,
            "picture": pictures.name(shown[shot.best]),
            "caption": shot.caption,
            "reply": shot.reply,
        }
        for place, shot in enumerate(summary.shots)
    ]
    return templates.rendered(
        "skim.html",
        pictures,
        templates.resource("skim.css"),
        js=Markup(templates.resource("skim.js")),
        title=summary.film.path.name,
        said=steps[made]["said"],
        damage=summary.film.timing.damage,
        skim=None if skim is None else address(skim),
        of_skim=said,
        shots=shots,
        total=clock(summary.film.seconds),
        ratio=f"{size[0]}/{size[1]}",
        words=summary.scored.read is not None,
        steps=steps,
        step=made,
        data=Markup(templates.scripted({"steps": steps, "made": made})),
        facts=_facts(summary),
    )


def worth(score: float, highest: float) -> str:
    """A shot's score, to as many decimals as the highest takes to show two figures: of a long film
    that many shots stand for together, each stands for little.
    """
    decimals = max(2, 1 - math.floor(math.log10(highest))) if highest > 0 else 2
    return f"{score:.{decimals}f}".lstrip("0") or "0"


def _thumbnails(
    summary: Summary, store: Store, wanted: Sequence[int]
) -> tuple[dict[int, bytes], tuple[int, int]]:
    """The wanted sampled frames, small, and their size; of the film's frames one part in memory.

    They are kept: whatever the length, shots and their best frames are the same.
    """
    needed = sorted(set(wanted))
    place = key(stage="thumbnails", film=summary.film.whole, frames=needed, width=WIDTH)
    kept = store.get(place)
    if kept is None:
        inside = set(needed)
        jpegs = [jpeg for at, jpeg in enumerate(summary.film.jpegs(store)) if at in inside]
        made = Thumbnails.of(len(jpegs), jpegs.__getitem__, len(jpegs), str(summary.film.path))
        kept = {**packed(made.images), "size": np.array(made.size)}
        store.put(place, kept)
    width, height = kept["size"].tolist()
    return dict(zip(needed, unpacked(kept), strict=True)), (width, height)


def _steps(summary: Summary, store: Store) -> tuple[list[Json], int]:
    """What each step of the slider would keep, shortest first, and which of them was made."""
    film, wished = summary.film.seconds, summary.wish.seconds(summary.film.seconds)
    offered: dict[float, Sequence[Piece]] = {
        share * film: pieces for share, pieces in zip(STEPS, _offered(summary, store), strict=True)
    }
    offered[wished] = summary.kept
    lengths = sorted(offered)
    return [_step(summary, offered[length]) for length in lengths], lengths.index(wished)


def _offered(summary: Summary, store: Store) -> list[Sequence[Piece]]:
    """What each of `STEPS` would keep. It is kept: it is the same whatever the length wished."""
    shots_S4 = np.array([(s.start, s.end, s.score, s.moment) for s in summary.shots])
    place = key(stage="lengths", version=VERSION, shots=shots_S4, shares=STEPS)
    kept = store.get(place)
    if kept is None:
        found = [summary.at(Wish(share=share)) for share in STEPS]
        lists = [[(piece.shot, piece.start, piece.end) for piece in each] for each in found]
        kept = {f"step_{number}": np.array(each) for number, each in enumerate(lists)}
        store.put(place, kept)
    return [
        [Piece(int(shot), start, end) for shot, start, end in kept[f"step_{number}"].tolist()]
        for number in range(len(STEPS))
    ]


def _step(summary: Summary, pieces: Sequence[Piece]) -> Json:
    film = summary.film.seconds
    seconds = sum(piece.end - piece.start for piece in pieces)
    count = f"{len(pieces)} of {len(summary.shots)} shots"
    return {
        "shots": [piece.shot for piece in pieces],
        "said": f"{clock(seconds)} of {clock(film)} ({100 * seconds / film:.0f} %), {count}",
    }


def _facts(summary: Summary) -> list[tuple[str, str]]:
    facts = [
        ("recipe", summary.recipe.name),
        ("length asked for", str(summary.wish)),
        ("scored by", summary.scored.by),
        ("captions by", captioner(summary.recipe.caption)),
        (
            "shots",
            f"{len(summary.shots)}: the file's own cuts, and what kernel temporal segmentation of "
            f"a frame every {summary.recipe.looking.every:g} s finds beside them",
        ),
        ("film", f"{summary.film.n_frames:,} frames at {summary.film.fps:.4g} a second"),
    ]
    if summary.ask:
        facts.insert(2, ("the viewer cares about", summary.ask))
    return facts


def captioner(caption: CaptionSettings | None) -> str:
    """Who writes the captions, in words."""
    match caption:
        case None:
            return "nobody: none were needed"
        case TagCaption():
            return caption.captioner
        case ImageCaption() | ImageTextCaption():
            return f"{caption.model}" + (f" at {caption.revision}" if caption.revision else "")

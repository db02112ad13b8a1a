"""The heads there are, as a table."""

from collections.abc import Sequence

from rich.markup import escape
from rich.table import Table

from stages.scorers.heads.card import Card
from stages.shipping import prose

CAPTION = (
    "τ and ρ: strict folds of heads trained alike, [interval] over videos. floor: what constant "
    "scores earn. A head's own agreement with the videos it learnt from would be in-sample."
)


def table(cards: Sequence[Card]) -> Table:
    """A line a head and dataset, with what the folds found there."""
    shown = Table(title="Heads to take home", caption=escape(CAPTION))
    for column in ("head", "learnt from", "videos", "captions by", "LLM", "τ", "ρ", "floor"):
        shown.add_column(column, justify="right" if column == "videos" else "left")
    for card in cards:
        once = [card.name, card.captioner, card.embed["llm"]]
        for source in card.sources:
            of = source.expected
            cells = (
                once[0],
                source.dataset + (" (simulated)" if source.simulated else ""),
                str(source.videos),
                *once[1:],
                prose.agreement(of.tau),
                prose.agreement(of.rho),
                prose.floor(of),
            )
            shown.add_row(*map(escape, cells))
            once = [""] * 3
    return shown

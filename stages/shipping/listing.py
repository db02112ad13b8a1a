"""The heads there are, as a table."""

from collections.abc import Sequence

from rich.markup import escape
from rich.table import Table

from stages.scorers.heads.card import Card
from stages.shipping import prose

CAPTION = (
    "τ and ρ: strict folds of heads trained alike, [interval] over videos. floor: what constant "
    "scores earn. A head's own agreement with the videos it learnt from would be in-sample. Its "
    "card says what it takes: captions, LLM and settings."
)


def table(cards: Sequence[Card]) -> Table:
    """A line a head and dataset, with what the folds found there."""
    shown = Table(title="Heads to take home", caption=escape(CAPTION))
    for column in ("head", "learnt from", "videos", "τ", "ρ", "floor"):
        shown.add_column(
            column,
            justify="right" if column == "videos" else "left",
            no_wrap=column in ("head", "learnt from", "videos"),
        )
    for card in cards:
        for number, source in enumerate(card.sources):
            of = source.expected
            cells = (
                "" if number else card.name,
                source.dataset + (" (simulated)" if source.simulated else ""),
                str(source.videos),
                prose.agreement(of.tau),
                prose.agreement(of.rho),
                prose.floor(of),
            )
            shown.add_row(*map(escape, cells))
    return shown

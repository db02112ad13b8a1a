"""The rows drawn over a video: their titles, colours, and the class by which a page knows them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stages.pages.palette import PEOPLE_COLOUR, ZERO_SHOT_COLOUR, series
from stages.pages.stories import PEOPLE, ZERO_SHOT


@dataclass(frozen=True)
class Legend:
    """Titles of the scorers by name, the first of them the one the pages are about; of people
    among themselves; and of the LLM's own score, None where it has none. of_summaries: whether a
    video's τ is that of summaries, by the knapsack, and not of scores as they are.
    """

    scorers: Mapping[str, str]
    human: str = "human"
    own: str | None = None
    of_summaries: bool = False

    @property
    def first(self) -> str:
        return next(iter(self.scorers))

    @property
    def first_title(self) -> str:
        return self.scorers[self.first]

    @property
    def rows(self) -> list[str]:
        """Every row drawn, from the one drawn first."""
        return [PEOPLE, *self.scorers, *([ZERO_SHOT] if self.own is not None else [])]

    def title(self, row: str) -> str:
        if row == PEOPLE:
            return "people, mean"
        if row == ZERO_SHOT and self.own is not None:
            return self.own
        return self.scorers[row]

    def slot(self, row: str) -> str:
        """The class that colours and hides a row."""
        if row in (PEOPLE, ZERO_SHOT):
            return f"s-{row}"
        names = list(self.scorers)
        return f"s-{names.index(row) + 1}" if row in names else "s-baseline"

    def colour(self, row: str) -> str:
        """The colour that stands for a row wherever it is drawn."""
        if row == PEOPLE:
            return PEOPLE_COLOUR
        if row == ZERO_SHOT:
            return ZERO_SHOT_COLOUR
        return series(list(self.scorers).index(row))

    def items(self) -> list[dict[str, Any]]:
        return [
            {
                "slot": self.slot(row),
                "title": self.title(row),
                "on": row in (PEOPLE, self.first, ZERO_SHOT),
            }
            for row in self.rows
        ]

    def css(self) -> str:
        """That an unticked row is not drawn."""
        return "\n".join(
            f'.explorer:has([data-row="{slot}"]:not(:checked)) .video .{slot} {{ display: none; }}'
            for slot in map(self.slot, self.rows)
        )

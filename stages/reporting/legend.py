"""The rows drawn over a video: their titles, and the class by which the page knows them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stages.reporting.videos import PEOPLE, ZERO_SHOT


@dataclass(frozen=True)
class Legend:
    """The rows drawn over a video, with the class that colours and hides each."""

    models: Mapping[str, str]  # name: title

    def slot(self, row: str) -> str:
        if row in (PEOPLE, ZERO_SHOT):
            return f"s-{row}"
        names = list(self.models)
        return f"s-{names.index(row) + 1}" if row in names else "s-baseline"

    def title(self, row: str) -> str:
        fixed = {PEOPLE: "people, mean", ZERO_SHOT: "LLM’s own score"}
        return fixed.get(row) or self.models[row]

    @property
    def rows(self) -> list[str]:
        return [PEOPLE, *self.models, ZERO_SHOT]

    def items(self) -> list[dict[str, Any]]:
        first = next(iter(self.models))
        return [
            {
                "slot": self.slot(row),
                "title": self.title(row),
                "on": row in (PEOPLE, first, ZERO_SHOT),
            }
            for row in self.rows
        ]

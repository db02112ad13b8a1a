"""The paper's own figures as the report sets them beside ours.

The figures are in `stages.rows`, with the rows they belong to. What others measured, never what
this project did.
"""

from dataclasses import dataclass

from stages import rows
from stages.rows import ADDRESS, CITATION, DATASETS, Reported, benchmark

__all__ = ["ADDRESS", "CITATION", "DATASETS", "METHODS", "Method", "benchmark", "counterpart"]


@dataclass(frozen=True)
class Method:
    """A method of the paper's tables. `row` names the row of ours that measures the same thing,
    None where there is none.
    """

    title: str
    row: str | None
    figures: tuple[Reported, ...]

    def on(self, dataset: str) -> Reported | None:
        """What the paper reports on one of `DATASETS`, None where it reports nothing."""
        return next((figure for figure in self.figures if figure.dataset == dataset), None)


METHODS = tuple(
    Method(row.theirs, row.reads, row.figures) for row in rows.ROWS if row.theirs is not None
)


def counterpart(row: str) -> Method | None:
    """The paper's method that a row of ours corresponds to, None where it has none."""
    return next((method for method in METHODS if method.row == row), None)

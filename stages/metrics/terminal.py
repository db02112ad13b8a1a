"""A table for the terminal that stands alone: its title, the warning that people are simulated, a
column of names, and below it what a reader must know.
"""

from collections.abc import Iterable

from rich.box import SIMPLE
from rich.markup import escape
from rich.table import Table

from stages.metrics.printed import SIMULATED


def begun(
    title: Iterable[str], notes: Iterable[str], *, simulated: bool = False, padding: int = 1
) -> Table:
    """The table with its first column, which has no heading; of plain text, markup or not.

    Args:
        title: in lines.
        notes: in paragraphs.
        simulated: whether people are.
        padding: spaces between columns, on either side.
    """
    shown = Table(
        title=escape("\n".join([*title, *([SIMULATED] if simulated else [])])),
        caption=escape("\n".join(notes)),
        caption_justify="left",
        box=SIMPLE,
        padding=(0, padding),
        pad_edge=False,
    )
    shown.add_column("")
    return shown

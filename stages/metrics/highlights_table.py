"""What scores find of a video's highlights, as a table for the terminal."""

from rich.markup import escape
from rich.table import Table

from stages.artifacts.results import ProtocolTable, Results
from stages.metrics.printed import figure_lines, mark
from stages.metrics.terminal import begun

SAID = (
    "Highlights: average precision with which scores order a video's segments of a few frames, "
    "then the mean over videos; the best 50 % of them by people's score are highlights, or the "
    "best 15 %."
)


def has_highlights(protocol: ProtocolTable) -> bool:
    """Whether the dataset's measure has them."""
    return any(row.highlights for row in protocol.rows.values())


def table(results: Results, name: str) -> Table:
    """MAP50 and MAP15 of a protocol's rows, those of people against each other left out."""
    title = [results.title, f"protocol {name}: highlights found"]
    shown = begun(title, [SAID], simulated=results.simulated)
    for heading in ("MAP50", "MAP15"):
        shown.add_column(heading, justify="right", min_width=len("[−.000, −.000]"))
    for row in results.protocols[name].rows.values():
        if row.highlights is None:
            continue
        of = row.highlights
        cells = [
            "\n".join(figure_lines(one.model_dump(exclude={"fold_spread"}), mark))
            for one in (of.map50, of.map15)
        ]
        shown.add_row(*map(escape, (row.title, *cells)))
    return shown

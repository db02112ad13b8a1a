"""What a measure with a floor says beside τ, ρ and F1, as a table for the terminal."""

from rich.markup import escape
from rich.table import Table

from stages.artifacts.results import ProtocolTable, Results
from stages.artifacts.row import Row
from stages.metrics.printed import figure_lines, interval, mark, shown_p
from stages.metrics.terminal import begun

WITHOUT = (
    "without the knapsack: scores of the sampled frames against people's choices there; τ and ρ "
    "against the mean over users, r (point-biserial) against each user's, then the mean. Constant "
    "scores earn 0."
)


def has_floor(protocol: ProtocolTable) -> bool:
    """Whether rows are held against constant scores, and measured without the knapsack."""
    return any(row.above_floor or row.sampled for row in protocol.rows.values())


def table(results: Results, name: str) -> Table:
    """A protocol's rows less constant scores, and without the knapsack; 80 columns wide."""
    rows = results.protocols[name].rows
    compared = sum(row.above_floor is not None for row in rows.values())
    notes = [
        "less the floor: τ less that of constant scores, paired by video; p of the permutation "
        f"test, then Holm's correction for the {compared} rows tested.",
        f"{WITHOUT} Human: each user against the others.",
    ]
    title = [results.title, f"protocol {name}: above the floor, without the knapsack"]
    shown = begun(title, notes, padding=0, simulated=results.simulated)
    shown.add_column("less the\nfloor, τ", justify="right", min_width=len("p .0000, 1.0000"))
    for heading in ("without the\nknapsack, τ", "\nρ", "\nr"):
        shown.add_column(heading, justify="right", min_width=len("[−.000, −.000]"))
    for row in rows.values():
        shown.add_row(*map(escape, (row.title, _less(row), *_sampled(row))))
    return shown


def _less(row: Row) -> str:
    if row.above_floor is None:
        return ""
    of = row.above_floor.tau
    tested = f"p {shown_p(of.p)}, {shown_p(of.holm)}"
    return f"{mark(of.difference)}\n{interval(of.low, of.high)}\n{tested}"


def _sampled(row: Row) -> list[str]:
    if row.sampled is None:
        return ["", "", ""]
    of = row.sampled
    return [
        "\n".join(figure_lines(one.model_dump(exclude={"fold_spread"}), mark))
        for one in (of.tau, of.rho, of.biserial)
    ]

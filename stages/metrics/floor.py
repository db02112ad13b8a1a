"""What a measure with a floor says beside τ, ρ and F1, as a table for the terminal."""

from rich.box import SIMPLE
from rich.markup import escape
from rich.table import Table

from stages.artifacts.results import ProtocolTable, Results
from stages.artifacts.row import Figure, Row
from stages.metrics.printed import mark, shown_p

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
    shown = Table(
        title=escape(f"{results.title}\nprotocol {name}: above the floor, without the knapsack"),
        caption=escape("\n".join(notes)),
        caption_justify="left",
        box=SIMPLE,
        padding=0,
    )
    shown.add_column("")
    interval, tested = len("[−.000, −.000]"), len("p .0000, 1.0000")
    shown.add_column("less the\nfloor, τ", justify="right", min_width=tested)
    for heading in ("without the\nknapsack, τ", "\nρ", "\nr"):
        shown.add_column(heading, justify="right", min_width=interval)
    for row in rows.values():
        shown.add_row(*map(escape, (row.title, _less(row), *_sampled(row))))
    return shown


def _less(row: Row) -> str:
    if row.above_floor is None:
        return ""
    of = row.above_floor.tau
    tested = f"p {shown_p(of.p)}, {shown_p(of.holm)}"
    return f"{mark(of.difference)}\n{_interval(of.low, of.high)}\n{tested}"


def _sampled(row: Row) -> list[str]:
    if row.sampled is None:
        return ["", "", ""]
    return [_figure(of) for of in (row.sampled.tau, row.sampled.rho, row.sampled.biserial)]


def _figure(of: Figure) -> str:
    mean = mark(of.mean) + ("" if of.spread is None else f" ±{mark(of.spread)}")
    return f"{mean}\n{_interval(of.low, of.high)}"


def _interval(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"[{mark(low)}, {mark(high)}]"

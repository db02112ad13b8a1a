"""A dataset's results as tables for the terminal, and what a reader of them must know."""

from collections.abc import Mapping, Sequence

from rich.markup import escape
from rich.table import Table

from stages.artifacts.results import Replies, Results, Unsummarised
from stages.artifacts.row import MARKS, Row
from stages.metrics import floor, highlights_table
from stages.metrics.figures import collapsed, reference
from stages.metrics.leaderboard import Scored
from stages.metrics.panel import Rules
from stages.metrics.printed import few, figure_lines, mark, shown_p
from stages.metrics.terminal import begun
from stages.metrics.unsummarised import sentence

OPTIMISTIC = "epoch chosen on the test videos: optimistic"

UNRANKED = {
    "scores": "give every frame of their video the same value.",
    "summary": "rate no shot that fits the budget above 0, so that their summary is empty.",
}
"""What makes a prediction order nothing, by what agreement is with."""
ORDER = {
    "scores": "; what ranks them may be no more than rounding.",
    "summary": ", and it earns what constant scores earn.",
}
"""What becomes of scores that hardly differ, likewise."""
FLAT = {
    "scores": "Someone says the same of every frame of {}: no scores agree with that, and τ and ρ "
    "with it are counted as 0.",
    "summary": "People keep every frame of {} equally often: no scores agree with that, and τ and "
    "ρ are counted as 0.",
}
"""What of people's side orders nothing, likewise."""


def flags(
    rows: Mapping[str, Scored],
    asked: Mapping[str, Replies | None],
    shots: Mapping[str, int],
    people: float,
    rules: Rules,
    unsummarised: Sequence[Unsummarised] = (),
    flat: Sequence[str] = (),
) -> list[str]:
    """What a reader of the table must know, a sentence each.

    Args:
        rows: of the table.
        asked: what was replied by the models asked for a score, None by one that was not.
        shots: how many videos have their shots from where (`timeline.Origin`).
        people: mean standard deviation of people's scores within a video, as they are learnt.
        rules: of the dataset.
        unsummarised: the videos of which no shot fits the budget.
        flat: the videos of which someone's word orders nothing (`Panel.flat`).
    """
    said = []
    if flat:
        said.append(FLAT[rules.agreement].format(few(flat)))
    if unsummarised:
        said.append(sentence(unsummarised, rules.budget, rules.agreement))
    if segmented := shots.get("kts", 0):
        said.append(
            f"Shots of {segmented} of {sum(shots.values())} videos come from this project's own "
            "segmentation, not from the annotations; summaries and F1 depend on them."
        )
    said += [
        f"{replies.unparsed} of {replies.replies} replies of the {who} hold no score; the row of "
        "its own scores puts those frames at their video's median."
        for who, replies in asked.items()
        if replies is not None and replies.unparsed
    ]
    said += [
        f"{row.title}: {row.unranked} of {row.scored} predictions {UNRANKED[rules.agreement]} "
        "Those have no rank correlation; it is counted as 0."
        for row in rows.values()
        if row.unranked
    ]
    said += [
        f"{row.title}: has collapsed. Its scores hardly differ within a video (standard deviation "
        f"{row.deviation:.1g}, people's {people:.2f}){ORDER[rules.agreement]}"
        for row in rows.values()
        if collapsed(row, people)
    ]
    if len(next(iter(rows.values())).marks) == 1:
        said.append("There is one video, so no interval can be given.")
    return said


def floor_said(name: str, rows: Mapping[str, Row]) -> str:
    """That a measure's floor is not zero, in a sentence; why is known of SumMe. name: of the
    benchmark, or the dataset.
    """
    constant, random = rows["constant"], rows["random"]
    why = ", because a knapsack prefers short shots and people keep least of the longest"
    return (
        f"The measure of {name} has a floor that is not zero: constant scores reach "
        f"τ {mark(constant.tau.mean)} ρ {mark(constant.rho.mean)} here and random ones "
        f"τ {mark(random.tau.mean)} ρ {mark(random.rho.mean)}{why if name == 'SumMe' else ''}. "
        "Read every figure against it."
    )


def tables(results: Results) -> list[Table]:
    """Results as tables for the terminal, 80 columns wide: one a protocol, where the measure has a
    floor a second on what is above it, and where it has highlights another on these.
    """
    shown = []
    for protocol, of in results.protocols.items():
        shown.append(_table(results, protocol))
        if floor.has_floor(of):
            shown.append(floor.table(results, protocol))
        if highlights_table.has_highlights(of):
            shown.append(highlights_table.table(results, protocol))
    return shown


def _table(results: Results, protocol: str) -> Table:
    percent = f"{100 * results.confidence:g} %"
    of = results.protocols[protocol]
    chosen = of.rows[reference(of.rows)].title
    title = [results.title, f"protocol {protocol}, {of.videos} videos"]
    if protocol == "official":
        title.append(OPTIMISTIC)
    notes = [
        f"[low, high]: {percent} bootstrap over videos. ±: standard deviation over seeds; "
        "folds ±: of the folds' means.",
        f"p: paired permutation test against {chosen} over videos, then Holm's correction for the "
        f"{len(of.rows) - 1} rows tested.",
        *of.flags,
    ]
    shown = begun(title, notes, simulated=results.simulated)
    for heading in ("τ", "ρ", "F1"):
        shown.add_column(heading, justify="right", min_width=len("[-0.000, -0.000]"))
    for row in of.rows.values():
        cells = []
        for name in MARKS:
            lines = figure_lines(vars(row.figure(name)), "{:.3f}".format)
            if row.against is not None:
                tested = getattr(row.against, name)
                lines.append(f"p {shown_p(tested.p)}, {shown_p(tested.holm)}")
            cells.append("\n".join(lines))
        shown.add_row(*(escape(cell) for cell in (row.title, *cells)))
    return shown

"""What `metrics.judged` measured of one file's scores, as a table for the terminal."""

from collections.abc import Sequence
from functools import partial

from rich.markup import escape
from rich.table import Table

from stages.metrics.floor import WITHOUT
from stages.metrics.judged import Document
from stages.metrics.leaderboard import HIGHLIGHTS, MARKS, SAMPLED
from stages.metrics.printed import interval, mark, shown_p
from stages.metrics.terminal import begun

_number = partial(mark, decimals=4)


def table(found: Document, notes: Sequence[str]) -> Table:
    """A document for the terminal, 80 columns wide. notes: what a reader must know besides."""
    total = found["videos"] + len(found["missing"])
    over = f"{found['videos']} of {total}" if found["missing"] else f"all {total}"
    said = [
        f"[low, high]: {100 * found['confidence']:g} % bootstrap over videos. p: paired "
        "permutation test over videos. constant: every frame scored alike. oracle: people's mean.",
        *([WITHOUT] if found["sampled"] is not None else []),
        *notes,
    ]
    title = [found["name"], f"{found['title']}, {over} videos"]
    shown = begun(title, said, simulated=found["simulated"])
    for heading in ("τ", "ρ", "F1"):
        shown.add_column(heading, justify="right", min_width=len("[−.0000, −.0000]"))

    def add(head: str, lines_3: Sequence[str]) -> None:
        shown.add_row(escape(head), *map(escape, lines_3))

    figures_of = ("videos", "intervals", *MARKS)
    everywhere = {part: found[part] for part in figures_of}
    alike = [
        protocol
        for protocol, of in found["protocols"].items()
        if {part: of[part] for part in figures_of} == everywhere
    ]
    add(", ".join([f"{over} videos", *alike]), _figure_lines(found))
    for protocol, of in found["protocols"].items():
        if protocol not in alike:
            many = "" if of["videos"] == 1 else "s"
            add(f"{protocol}, {of['videos']} video{many}", _figure_lines(of))
        if "against" in of:
            under = f"{protocol}: " if protocol in alike else ""
            add(
                f"  {under}less {of['against']['title']}",
                _difference_lines(of["against"], of["videos"]),
            )
    if found["sampled"] is not None:
        add("without the knapsack", _figure_lines(found["sampled"], SAMPLED, ("", "", "r ")))
    if "highlights" in found:
        add("highlights", _figure_lines(found["highlights"], HIGHLIGHTS, ("MAP50 ", "MAP15 ")))
    add("floor: constant", [_number(found["floor"][name]) for name in MARKS])
    add("  less the floor", _difference_lines(found["less_floor"], found["videos"]))
    add("ceiling: oracle", [_number(found["ceiling"][name]) for name in MARKS])
    return shown


def _figure_lines(
    of: Document, marks: Sequence[str] = MARKS, named: Sequence[str] = ("", "", "")
) -> list[str]:
    lines = []
    for name, head in zip(marks, named, strict=True):
        low, high = of["intervals"][name]
        lines.append(f"{head}{_number(of[name])}\n{interval(low, high, _number)}")
    return lines


def _difference_lines(of: Document, videos: int) -> list[str]:
    """Of one video the difference alone: it has no spread."""
    lines = []
    for name in MARKS:
        one = of[name]
        if videos == 1:
            lines.append(_number(one["difference"]))
            continue
        between = interval(one["low"], one["high"], _number)
        lines.append(f"{_number(one['difference'])}\n{between}\np {shown_p(one['p'])}")
    return lines

"""A table of rows as text for the terminal, as Markdown and as LaTeX.

Every format names the protocol, says where annotations are simulated, marks the paper's figures as
the paper's, and gives no mean without its interval.
"""

import re
from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import Literal

from rich.box import SIMPLE
from rich.console import Console
from rich.markup import escape
from rich.table import Table as Grid

from stages import rows
from stages.experiments.lineup import Filled
from stages.experiments.table import SHOWN, Cell, Experiment, Line, Table
from stages.metrics.printed import SIMULATED, figure_lines, shown_p
from stages.metrics.printed import mark as shown
from stages.metrics.tables import OPTIMISTIC

Format = Literal["text", "markdown", "latex"]
WIDTH = 80
_GREEK = {"tau": "τ", "rho": "ρ"}


def _parts(cell: Cell) -> list[str]:
    """A cell's mean and spread over seeds, its interval, the spread over folds, its p-values."""
    parts = figure_lines(vars(cell), shown)
    if cell.p is not None and cell.holm is not None:
        parts.append(f"p {shown_p(cell.p)}, {shown_p(cell.holm)}")
    return parts


def _cells(line: Line) -> list[list[str]]:
    if line.cells is None:
        return [["–"]] * len(SHOWN)
    return [_parts(line.cells[mark]) for mark in SHOWN]


def _theirs(reported: rows.Reported | None) -> str:
    return "" if reported is None else f"{shown(reported.tau)} {shown(reported.rho)}"


def _title(line: Line) -> str:
    """With a mark where the figures of others are not LLMVS's paper's."""
    return f"{line.title} †" if _published(line) else line.title


def _published(line: Line) -> bool:
    return any(of is not None and of.table == rows.PUBLISHED for of in line.theirs)


def _heading(table: Table) -> list[str]:
    lines = [rows.TABLES[table.table], table.title]
    lines.append(f"protocol {table.protocol}, {table.videos} videos")
    if table.protocol == "official":
        lines.append(OPTIMISTIC)
    if table.simulated:
        lines.append(SIMULATED)
    return lines


def _notes(table: Table) -> list[str]:
    draws = any(line.name == "random" and line.cells for line in table.lines)
    notes = [
        f"[low, high]: {100 * table.confidence:g} % bootstrap over videos (BCa). ±: standard "
        f"deviation over seeds{' (of Random: draws)' * draws}; folds ±: of the folds' means."
    ]
    if table.tested:
        notes.append(
            f"p: paired permutation test against {table.reference} over videos, then Holm's "
            f"correction for the {table.tested} row{'s' * (table.tested > 1)} tested here."
        )
    if table.benchmarks:
        notes.append(
            f"paper: τ ρ as printed in {rows.CITATION}, {rows.ADDRESS}, trained rows by its "
            "protocol, official; not measured here"
            + ("." if table.benchmark else ", and on other videos than these.")
        )
        if any(map(_published, table.shown)):
            notes.append(f"†: {rows.PUBLISHED}.")
    notes += [f"{'; '.join(titles)}: {why}." for why, titles in table.whys.items()]
    return [*notes, *table.notes]


def _paper(table: Table) -> list[str]:
    return [f"paper, {name}" for name in table.benchmarks]


def _missing(missing: Sequence[Experiment]) -> list[str]:
    if not missing:
        return []
    said = "Missing; --run measures them, or one at a time:"
    return [said, *(f"  {experiment.command}" for experiment in missing)]


def _text(table: Table) -> str:
    grid = Grid(box=SIMPLE, pad_edge=False)
    grid.add_column("")
    for mark in SHOWN:
        grid.add_column(_GREEK[mark], justify="right", min_width=16)
    for name in table.benchmarks:
        grid.add_column(f"paper\n{name}", justify="right", min_width=9)
    for line in table.shown:
        cells = ["\n".join(parts) for parts in _cells(line)]
        theirs = [_theirs(of) for of in line.theirs]
        grid.add_row(*(escape(text) for text in (_title(line), *cells, *theirs)))
    console = Console(width=WIDTH, color_system=None)
    with console.capture() as captured:
        for said in _heading(table):
            console.print(escape(said))
        console.print(grid)
        for said in _notes(table):
            console.print(escape(said))
    return captured.get()


def _markdown(table: Table) -> str:
    head = ["row", *(_GREEK[mark] for mark in SHOWN), *_paper(table)]
    lines = [f"**{'. '.join(_heading(table))}.**", "", _piped(head), _piped(["---"] * len(head))]
    lines += [
        _piped([_title(line), *map("<br>".join, _cells(line)), *map(_theirs, line.theirs)])
        for line in table.shown
    ]
    return "\n".join([*lines, "", *(f"- {note}" for note in _notes(table)), ""])


def _piped(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


_LATEX = {
    "τ": r"$\tau$", "ρ": r"$\rho$", "±": r"$\pm$", "−": "$-$", "–": "--", "<": "$<$",
    "&": r"\&", "%": r"\%", "_": r"\_", "#": r"\#", "$": r"\$", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "\\": r"\textbackslash{}", "=": "$=$",
    "†": r"$\dagger$", "[": "{[}",  # after a line's end, a bare one would open the length of a gap
    ">": "$>$", "|": "$|$", '"': "''",
}  # fmt: skip


def _tex(text: str) -> str:
    return re.sub("|".join(map(re.escape, _LATEX)), lambda match: _LATEX[match[0]], text)


def _latex(table: Table) -> str:
    head = ["", *(_GREEK[mark] for mark in SHOWN), *_paper(table)]
    body = []
    for line in table.shown:
        # Nothing but LaTeX itself is needed: a line of the tabular for every part of a cell.
        columns = [[_title(line)], *_cells(line), *([_theirs(of)] for of in line.theirs)]
        parts = list(zip_longest(*columns, fillvalue=""))
        body += [" & ".join(map(_tex, part)) + r" \\" for part in parts[:-1]]
        body.append(" & ".join(map(_tex, parts[-1])) + (r" \\[3pt]" if parts[1:] else r" \\"))
    named, *about = _heading(table)
    caption = f"{named}. {'; '.join(about)}. {' '.join(_notes(table))}"
    return "\n".join(
        [
            r"\begin{table}",
            r"\centering\small",
            rf"\begin{{tabular}}{{l{'r' * (len(head) - 1)}}}",
            r"\hline",
            " & ".join(map(_tex, head)) + r" \\",
            r"\hline\noalign{\smallskip}",
            *body,
            r"\hline",
            r"\end{tabular}",
            rf"\caption{{{_tex(caption)}}}",
            r"\end{table}",
            "",
        ]
    )


_DRAWN: dict[Format, Callable[[Table], str]] = {
    "text": _text,
    "markdown": _markdown,
    "latex": _latex,
}


def drawn(filled: Filled, form: Format) -> str:
    """Every table, then what is missing and the commands that measure it."""
    missing = _missing(filled.missing)
    if form == "latex":
        missing = [f"% {line}" for line in missing]
    elif form == "markdown" and missing:
        missing = [missing[0], "", "```sh", *(line.strip() for line in missing[1:]), "```"]
    return "\n".join([*(_DRAWN[form](table) for table in filled.tables), *missing])

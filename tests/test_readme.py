"""Every figure in the README's tables of results is one that was measured."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from stages.metrics.printed import shown_p

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "reports" / "results"
FIGURE = re.compile(r"(−?\.\d{3}) \[(−?\.\d{3}), (−?\.\d{3})\]")
MARKS = {"τ": "tau", "ρ": "rho", "F1": "f1"}


def section(title: str) -> str:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return text.split(f"\n## {title}\n")[1].split("\n## ")[0]


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def table(text: str) -> list[list[str]]:
    """The first table of a text, its rule left out."""
    block = text[text.index("\n|") + 1 :].split("\n\n")[0]
    lines = [cells(line) for line in block.splitlines()]
    return [lines[0], *lines[2:]]


def printed(value: float) -> str:
    text = f"{abs(value):.3f}".removeprefix("0")
    return f"−{text}" if value < 0 and float(text) else text


def measured(dataset: str) -> dict[str, Any]:
    return dict(json.loads((RESULTS / dataset / "results.json").read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def results() -> dict[str, Any]:
    return measured("demo")


@pytest.mark.parametrize(
    ("title", "dataset"),
    [("The demo's figures", "demo"), ("Real people, on a laptop", "summe-captions")],
)
def test_a_table_is_what_was_measured(title: str, dataset: str) -> None:
    results = measured(dataset)
    head, *lines = table(section(title))
    titles = {row["title"]: name for name, row in results["protocols"]["strict"]["rows"].items()}
    assert [line[0] for line in lines] == list(titles)
    for row, *figures in lines:
        for column, figure in zip(head[1:], figures, strict=True):
            protocol, mark = column.split()
            found = results["protocols"][protocol]["rows"][titles[row]]
            if mark in MARKS:
                match = FIGURE.fullmatch(figure)
                assert match, (row, column, figure)
                parts = (found[MARKS[mark]][part] for part in ("mean", "low", "high"))
                assert match.groups() == tuple(map(printed, parts)), (row, column)
            else:
                against = found["against"]
                assert (mark, figure) == ("p", shown_p(against["tau"]["holm"]) if against else "")


def test_the_windows_table_is_what_its_experiments_measured() -> None:
    """`llmvs table window --format markdown` prints the file."""
    text = (ROOT / "reports" / "tables" / "demo-window.md").read_text(encoding="utf-8")
    assert "SIMULATED" in text
    strict = text.split("protocol strict")[1].split("protocol official")[0]
    measured = [[*re.split("<br>", line[1]), "p , "][:4] for line in table(strict)[1:]]
    readme = table(section("The demo's figures").split("llmvs table window")[1])[1:]
    assert [line[0] for line in readme] == ["1", "3", "5", "7"]
    for (_, figure, p), (mean, interval, _, tested) in zip(readme, measured, strict=True):
        assert figure == f"{mean.split()[0]} {interval}"
        assert p == tested.split(", ")[1]


def test_the_counts_said_beside_it_are_those_measured(results: dict[str, Any]) -> None:
    said = " ".join(section("The demo's figures").split())
    videos = {name: of["videos"] for name, of in results["protocols"].items()}
    assert f"strict tests {videos['strict']} videos, official {videos['official']}" in said
    assert "Synthetic videos, simulated annotations." in said

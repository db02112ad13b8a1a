"""Every figure in the README's tables of the demo is one that `dvc repro` measured."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "reports" / "results" / "demo" / "results.json"
FIGURE = re.compile(r"(−?\.\d{3}) \[(−?\.\d{3}), (−?\.\d{3})\]")
MARKS = {"τ": "tau", "ρ": "rho", "F1": "f1"}


def section(title: str) -> str:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return text.split(f"\n## {title}\n")[1].split("\n## ")[0]


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def table(text: str) -> list[list[str]]:
    """The first table of a text, its rule left out."""
    lines = [cells(line) for line in text.splitlines() if line.startswith("|")]
    return [lines[0], *lines[2:]]


def printed(value: float) -> str:
    text = f"{abs(value):.3f}".removeprefix("0")
    return f"−{text}" if value < 0 and float(text) else text


@pytest.fixture(scope="module")
def results() -> dict[str, Any]:
    return dict(json.loads(RESULTS.read_text(encoding="utf-8")))


def test_the_demos_table_is_what_was_measured(results: dict[str, Any]) -> None:
    head, *lines = table(section("The demo's figures"))
    titles = {row["title"]: name for name, row in results["protocols"]["strict"]["rows"].items()}
    assert [line[0] for line in lines] == list(titles)
    for title, *figures in lines:
        for column, figure in zip(head[1:], figures, strict=True):
            protocol, mark = column.split()
            if mark in MARKS:
                measured = results["protocols"][protocol]["rows"][titles[title]][MARKS[mark]]
                match = FIGURE.fullmatch(figure)
                assert match, (title, column, figure)
                expected = tuple(printed(measured[part]) for part in ("mean", "low", "high"))
                assert match.groups() == expected, (title, column)


def test_the_counts_said_beside_it_are_those_measured(results: dict[str, Any]) -> None:
    said = " ".join(section("The demo's figures").split())
    videos = {name: of["videos"] for name, of in results["protocols"].items()}
    assert f"strict tests {videos['strict']} videos, official {videos['official']}" in said
    assert "Synthetic videos, simulated annotations." in said

"""Where constant scores earn something, the page says what is above that, and why."""

import re
from pathlib import Path

import pytest
from stage_outputs import build, make

from stages.artifacts import results
from stages.artifacts.results import ProtocolTable
from stages.metrics.printed import mark


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset measured by its summaries, with its report. Shared: not to be changed."""
    made = make(tmp_path_factory.mktemp("floor"), benchmark="SumMe", simulated=False, scores=False)
    with pytest.MonkeyPatch.context() as monkeypatch:
        build(made, monkeypatch)
    return made


@pytest.fixture(scope="module")
def html(root: Path) -> str:
    return (root / "reports/index.html").read_text(encoding="utf-8")


def protocols(root: Path) -> dict[str, ProtocolTable]:
    return results.read(root / "reports/results/demo")[0].protocols


def means(text: str) -> list[str]:
    return re.findall(r'<span class="mean">(.*?)</span>', text)


def test_a_column_holds_what_each_row_is_above_the_floor(root: Path, html: str) -> None:
    for name, of in protocols(root).items():
        table = html.split(f'aria-label="Table of results, protocol {name}"')[1].split("</table>")[
            0
        ]
        assert "τ less the floor</th>" in table
        cells = re.findall(r'class="num less"[^>]*>(.*?)</td>', table, re.DOTALL)
        expected = [
            [mark(row.above_floor.tau.difference)] if row.above_floor else []
            for row in of.rows.values()
        ]
        assert [means(cell) for cell in cells] == expected
        assert expected[-1] == []  # constant scores themselves
        assert all("p .046" in cell for cell in cells[:-1])


def test_each_protocol_has_a_second_table_without_the_knapsack(root: Path, html: str) -> None:
    for name, of in protocols(root).items():
        told = html.split(f'aria-label="Without the knapsack, protocol {name}"')[1]
        table = told.split("</table>")[0]
        expected = [
            mark(figure.mean)
            for row in of.rows.values()
            if row.sampled
            for figure in (row.sampled.tau, row.sampled.rho, row.sampled.biserial)
        ]
        assert means(table) == expected
        assert len(expected) == 3 * len(of.rows)


def test_a_page_of_scores_that_are_compared_has_neither(page: str) -> None:
    assert "less the floor" not in page
    assert "ithout the knapsack" not in page


def test_tables_made_before_either_was_measured_are_shown_without_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make(tmp_path, benchmark="SumMe", simulated=False, scores=False)
    path = root / "reports/results/demo"
    measured, by_video = results.read(path)
    bare = {
        name: of.model_copy(
            update={
                "rows": {
                    row: value.model_copy(update={"above_floor": None, "sampled": None})
                    for row, value in of.rows.items()
                }
            }
        )
        for name, of in measured.protocols.items()
    }
    results.write(path, measured.model_copy(update={"protocols": bare}), by_video)
    html = build(root, monkeypatch)
    assert "less the floor" not in html
    assert "ithout the knapsack" not in html
    assert "Constant" in html

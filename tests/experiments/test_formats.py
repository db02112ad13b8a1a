"""Every format gives means only with their intervals, and says whose figures they are."""

import re

import pytest
from laboratory import Laboratory

from stages.experiments import formats, lineup
from stages.experiments.formats import Format

FORMATS: tuple[Format, ...] = ("text", "markdown", "latex")


@pytest.fixture
def laid_out(laboratory: Laboratory) -> dict[Format, str]:
    filled = lineup.fill("embedding", "demo", "all")
    return {form: formats.drawn(filled, form) for form in FORMATS}


@pytest.mark.parametrize("form", FORMATS)
def test_protocol_simulation_and_papers_figures_are_named(
    laid_out: dict[Format, str], form: Format
) -> None:
    said = " ".join(laid_out[form].split())
    for words in ("protocol strict, 8 videos", "protocol official, 5 videos", "SIMULATED",
                  "epoch chosen on the test videos: optimistic", "permutation test against LLMVS",
                  "2 rows tested", "paper", "not measured here", "LLMVS (q + a)"):  # fmt: skip
        assert words in said
    assert ".253 .282" in said


@pytest.mark.parametrize("form", FORMATS)
def test_no_mean_stands_without_its_interval(laid_out: dict[Format, str], form: Format) -> None:
    text = laid_out[form]
    measured = re.findall(r"\.\d{3} (?:±|\$\\pm\$)\.\d{3}", text)
    intervals = re.findall(r"(?:\[|\{\[\})[−$-]*\.\d{3}, [−$-]*\.\d{3}\]", text)
    assert len(measured) == len(intervals) == 2 * 2 * 3  # protocols, marks, rows
    assert len(re.findall(r"folds (?:±|\$\\pm\$)\.\d{3}", text)) == 2 * 2 * 3
    assert len(re.findall(r"p (?:<|\$<\$)?\d?\.\d{4}, (?:<|\$<\$)?\d?\.\d{4}", text)) == 2 * 2 * 2


def test_the_terminals_table_is_80_columns_wide(laboratory: Laboratory) -> None:
    for table in ("main", "embedding", "ablation", "window"):
        for said in formats.drawn(lineup.fill(table, "demo", "all"), "text").splitlines():
            assert len(said) <= 80 or said.startswith("  dvc exp run"), said
            assert "…" not in said


@pytest.mark.parametrize("form", FORMATS)
def test_what_is_missing_comes_with_its_command(laboratory: Laboratory, form: Format) -> None:
    text = formats.drawn(lineup.fill("window", "demo", "strict"), form)
    for w in (1, 3, 5):
        assert (
            f"dvc exp run --temp -n demo-window-{w} -S datasets.demo.embed.window={w} "
            "-S 'run.datasets=[demo]' -S 'run.models=[llmvs]' evaluate@demo"
        ) in text
    assert "window-7" not in text


def test_markdown_rows_have_the_columns_of_their_head(laid_out: dict[Format, str]) -> None:
    piped = [line for line in laid_out["markdown"].splitlines() if line.startswith("|")]
    assert len(piped) == 2 * (2 + 4)
    assert {line.count("|") for line in piped} == {6}


def test_latex_has_nothing_that_it_would_read_as_a_command(laid_out: dict[Format, str]) -> None:
    text = laid_out["latex"]
    assert not re.search(r"[^\x00-\x7f]", text)
    assert not re.search(r"(?<!\\)[%#_]", text.replace("% ", ""))
    assert text.count(r"\begin{tabular}") == text.count(r"\end{tabular}") == 2
    assert not re.search(r"\\\\\s*\[(?!3pt)", text)  # the length of a gap to a row's end
    assert text.count("{") - text.count(r"\{") == text.count("}") - text.count(r"\}")

"""Numbers are printed alike wherever they stand."""

from functools import partial

import pytest
from rich.console import Console

from stages.metrics.printed import SIMULATED, figure_lines, interval, mark, spread
from stages.metrics.terminal import begun


@pytest.mark.parametrize(
    ("value", "decimals", "said"),
    [
        (0.1824, 3, ".182"),
        (-0.01234, 4, "−.0123"),
        (-0.00001, 4, ".0000"),
        (1.0, 3, "1.000"),
        (None, 3, "–"),
        (float("nan"), 3, "–"),
    ],
)
def test_a_mark_has_no_leading_zero_and_a_sign_only_where_it_counts(
    value: float | None, decimals: int, said: str
) -> None:
    assert mark(value, decimals) == said


def test_an_interval_is_printed_as_marks_are_or_not_at_all() -> None:
    assert interval(-0.0412, 0.1478) == "[−.041, .148]"
    assert interval(0.0412, 0.1478, partial(mark, decimals=4)) == "[.0412, .1478]"
    assert interval(None, 0.1) == interval(0.1, None) == ""


def test_a_spread_stands_beside_its_mean_where_there_is_one() -> None:
    assert spread("+.182", 0.012) == "+.182 ±.012"
    assert spread("+.182", None) == "+.182"


def test_a_figure_is_in_as_many_lines_as_it_has_parts() -> None:
    figure = {"mean": 0.1, "low": 0.05, "high": 0.2, "spread": 0.01, "fold_spread": 0.03}
    assert figure_lines(figure, mark) == [".100 ±.010", "[.050, .200]", "folds ±.030"]
    alone = {"mean": 0.1, "low": None, "high": None, "spread": None}
    assert figure_lines(alone, mark) == [".100"]


@pytest.mark.parametrize("simulated", [True, False])
def test_a_table_says_above_it_that_people_are_simulated(simulated: bool) -> None:
    table = begun(["A [title]"], ["A note [b]."], simulated=simulated)
    table.add_row("a row that is as wide as what is said of it, and as its title and its warning")
    console = Console(width=80, color_system=None)
    with console.capture() as captured:
        console.print(table)
    shown = captured.get()
    assert "A [title]" in shown
    assert (SIMULATED in shown) == simulated
    assert shown.rstrip().endswith("A note [b].")

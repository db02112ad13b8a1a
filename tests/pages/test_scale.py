import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.metrics.printed import mark
from stages.pages.report.scale import Scale


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.182, ".182"), (-0.0123, "−.012"), (1.0, "1.000"), (0.0, ".000"), (-0.0001, ".000"),
     (None, "–"), (np.nan, "–")],
)  # fmt: skip
def test_marks_are_printed_as_the_field_prints_them(value: float | None, text: str) -> None:
    assert mark(value) == text


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=9))
def test_a_scale_holds_every_value_and_zero(values: list[float]) -> None:
    scale = Scale.over(values)
    assert all(0 <= scale.at(value) <= 100 for value in [0.0, *values])
    ticks = scale.ticks()
    assert 0.0 in ticks
    assert all(0 <= scale.at(tick) <= 100 for tick in ticks)

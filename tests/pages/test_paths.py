import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.pages import paths


def points(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"(-?[\d.]+) (-?[\d.]+)", path)]


def test_a_line_runs_from_left_to_right_with_one_at_the_top() -> None:
    assert points(paths.line([0.0, 0.5, 1.0], [0.0, 1.0, 0.25])) == [(0, 100), (500, 0), (1000, 75)]


def test_a_line_breaks_where_a_score_is_missing_and_a_lone_point_shows() -> None:
    path = paths.line([0.0, 0.25, 0.5, 0.75], [0.5, np.nan, 0.5, 0.5])
    assert path == "M0.0 50.0h0M500.0 50.0L750.0 50.0"
    assert paths.line([0.0, 1.0], [np.nan, np.nan]) == ""


def test_a_band_stays_inside_the_lane() -> None:
    drawn = points(paths.band([0.0, 1.0], [-0.3, 0.2], [0.4, 1.7]))
    assert drawn == [(0, 60), (1000, 0), (1000, 80), (0, 100)]


@given(st.lists(st.sampled_from([0.0, 0.25, 1.0]), min_size=1, max_size=30))
def test_the_area_of_steps_is_the_sum_of_the_values(values: list[float]) -> None:
    x, y = np.array(points(paths.steps(values))).T
    heights = 100 - y
    area = float(np.sum((x[1:] - x[:-1]) * (heights[1:] + heights[:-1]) / 2))
    assert area == pytest.approx(sum(values) / len(values) * 1000 * 100, rel=0.01, abs=20)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=20).filter(lambda v: np.ptp(v) > 0.01))
def test_stretching_puts_the_least_at_the_bottom_and_the_most_at_the_top(y: list[float]) -> None:
    shift, scale = paths.stretch(y)
    moved = shift + scale * 100 * (1 - np.array(y))
    assert moved.min() == pytest.approx(0, abs=0.02)
    assert moved.max() == pytest.approx(100, abs=0.02)


def test_a_constant_row_is_not_stretched() -> None:
    assert paths.stretch([0.5, 0.5]) == (0.0, 1.0)
    assert paths.stretch([np.nan]) == (0.0, 1.0)


def test_a_sampled_frame_stands_in_the_middle_of_what_it_speaks_for() -> None:
    assert paths.centres([0, 15, 30], 60).tolist() == [0.125, 0.375, 0.75]


@pytest.mark.parametrize("seconds", [0.4, 3, 12.5, 59, 61, 400, 5000])
def test_ticks_are_few_and_inside_the_video(seconds: float) -> None:
    ticks = paths.ticks(seconds)
    assert ticks[0] == 0
    assert ticks[-1] <= seconds
    assert len(ticks) <= 9

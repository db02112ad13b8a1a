"""Where pages put seconds when frames do not follow one another at one rate."""

import re
from dataclasses import replace

import numpy as np
import pytest
from told import LEGEND, story

from stages.pages.report import figures, video_data, views
from stages.pages.stories import Story
from stages.pages.thumbnails import Pictures


def slower() -> Story:
    """20 seconds: frames 0 to 44 in the first 2, 45 to 89 in the other 18."""
    told = story([0.1, 0.5, 0.2, 0.9, 0.4, 0.3], [0.1] * 6, shots=(0, 3))
    times_T = np.r_[np.arange(3) * 2 / 3, 2 + np.arange(3) * 6]
    return replace(told, video=replace(told.video, fps=90 / 20, times_T=times_T))


def test_seconds_stand_under_the_frames_shown_then() -> None:
    shown = views.explorer(slower(), {}, LEGEND, Pictures())
    at = {tick["label"]: tick["left"] for tick in shown["ticks"]}
    assert at["0"] == 0
    assert at["5"] == round(50 + 50 * 3 / 18, 2)
    assert at["20"] == 100
    assert shown["about"].startswith("20.0 s")


def test_a_frame_is_told_with_its_own_second() -> None:
    told = slower()
    assert told.second(4) == 8
    assert '"times":[0.0,0.667,1.333,2.0,8.0,14.0]' in video_data.data(told, LEGEND, Pictures())


def test_a_figures_shots_stand_at_their_seconds() -> None:
    svg = figures.story(slower(), LEGEND, dataset="demo", simulated=False)

    def ends(name: str) -> tuple[float, ...]:
        """The x of a drawn path's first two points."""
        (found,) = re.findall(rf'id="{name}">\s*<path d="M ([\d.]+) [\d.]+\s+L ([\d.]+)', svg)
        return tuple(map(float, found))

    (left, right), (shot, _) = ends("patch_2"), ends("line2d_1")
    assert (shot - left) / (right - left) == pytest.approx(2 / 20)

"""How a measure of summaries hangs on the lengths of shots is counted from videos, and drawn."""

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from scipy import stats
from stage_outputs import build, make
from told import LEGEND, story

from stages.artifacts.results import VideoMarks
from stages.pages.report import shot_lengths
from stages.pages.report.shot_lengths import ShotLengths
from stages.pages.stories import Story

SHOTS = (0, 1, 3, 6, 10, 15)  # shots of 1, 2, 3, 4, 5 and 6 frames


def told(name: str, shares: list[float], kept: list[int]) -> Story:
    """A video of which people keep `shares` of each shot, and the model the shots `kept`."""
    video = story(np.zeros(21), None, shots=SHOTS, name=name)
    lengths = video.shots[:, 1] - video.shots[:, 0] + 1
    return replace(video, shown_N=np.repeat(shares, lengths), summaries={"m": video.shots[kept]})


def marks(**taus: tuple[float, float]) -> dict[str, dict[str, VideoMarks]]:
    """Of constant scores and of the model, by video; the first weighs twice the others."""
    return {
        row: {
            name: VideoMarks({"tau": tau[place]}, 2.0 if name == "video_1" else 1.0)
            for name, tau in taus.items()
        }
        for place, row in enumerate(("constant", "m"))
    }


TOLD = [
    told("video_1", [0.9, 0.7, 0.5, 0.3, 0.2, 0.1], [0, 5]),
    told("video_2", [0.1, 0.2, 0.2, 0.3, 0.6, 0.5], [4]),
    told("video_3", [0.5, 0.5, 0.5, 0.5, 0.5, 0.5], [0, 1]),
]
MARKS = marks(video_1=(0.4, 0.3), video_2=(-0.1, 0.2), video_3=(0.0, 0.1))


def counted(budget: float = 0.15) -> ShotLengths:
    found = shot_lengths.measured(TOLD, MARKS, "m", budget)
    assert found is not None
    return found


def test_constant_scores_keep_the_shortest_shots_that_the_budget_holds() -> None:
    """Of 21 sampled frames 15 % are three: shots of one and of two."""
    kept_VB = counted().kept_VB["constant"]
    assert kept_VB.tolist() == [[1, 0, 0, 0, 0]] * 3  # the first part holds the two shortest
    assert counted(0.30).kept_VB["constant"].tolist() == [[1, 1, 0, 0, 0]] * 3


def test_what_people_and_the_model_keep_is_counted_by_shots() -> None:
    found = counted()
    assert found.kept_VB["people"][0] == pytest.approx([0.8, 0.5, 0.3, 0.2, 0.1])
    assert found.kept_VB["m"][0] == pytest.approx([0.5, 0, 0, 0, 1])


def test_preference_is_below_nought_where_people_keep_short_shots() -> None:
    found = counted()
    assert found.preference_V[0] == pytest.approx(-1)
    expected = stats.spearmanr(range(1, 7), TOLD[1].shown_N[TOLD[1].shots[:, 0]]).statistic
    assert found.preference_V[1] == pytest.approx(expected)
    assert found.preference_V[2] == 0
    assert found.tau_V["constant"].tolist() == [0.4, -0.1, 0.0]
    assert found.following("constant") == pytest.approx(-1)


def test_the_floor_weighs_videos_as_the_table_does() -> None:
    assert counted().floor == pytest.approx((2 * 0.4 - 0.1 + 0) / 4)


def test_videos_that_were_not_tested_or_have_fewer_shots_take_no_part() -> None:
    few = story(np.zeros(21), None, shots=(0, 9), name="video_4")
    few = replace(few, summaries={"m": few.shots[:1]})
    with_few = marks(video_1=(0.4, 0.3), video_4=(0.1, 0.1))
    found = shot_lengths.measured([*TOLD, few], with_few, "m", 0.15)
    assert found is not None
    assert len(found.preference_V) == 2
    assert len(found.kept_VB["people"]) == 1
    alone = shot_lengths.measured([few], with_few, "m", 0.15)
    assert alone is not None
    shot_lengths.figure(alone, LEGEND, confidence=0.95, heading=None)
    assert shot_lengths.measured(TOLD, {"m": MARKS["m"]}, "m", 0.15) is None
    assert shot_lengths.measured([], MARKS, "m", 0.15) is None


def test_the_figure_names_rows_axes_and_the_floor() -> None:
    svg = shot_lengths.figure(
        counted(), LEGEND, confidence=0.95, heading="Lengths of shots", simulated=True
    )
    assert ElementTree.fromstring(svg).tag.endswith("svg")
    for said in (
        "constant scores", "people keep short shots", "the floor, .175", "Lengths of shots",
        "Simulated annotations", "constant scores (ρ −1.000)",
    ):  # fmt: skip
        assert said in svg
    assert svg == shot_lengths.figure(
        counted(), LEGEND, confidence=0.95, heading="Lengths of shots", simulated=True
    )


@pytest.mark.parametrize("given", ["videos", "scores"])
def test_a_report_of_summaries_draws_it_and_one_of_scores_does_not(
    given: str, page: str, built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make(tmp_path, benchmark="SumMe", simulated=False, scores=False, given=given)
    html = build(root, monkeypatch)
    assert "Why the measure has a floor" in html
    assert 'aria-label="Shots kept by their length' in html
    assert "Lengths of shots" in (root / "reports/figures/demo-shots.svg").read_text("utf-8")
    assert "Why the measure has a floor" not in page
    assert not (built / "reports/figures/demo-shots.svg").exists()

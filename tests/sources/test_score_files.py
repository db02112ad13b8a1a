"""Scores that others made: read in each of their forms, and refused with a reason."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from stages.artifacts import names
from stages.artifacts.timeline import Timeline
from stages.artifacts.video import Video
from stages.errors import UserError
from stages.sources import score_files

TIMELINE = Timeline(
    "toy",
    (
        Video.sampled("video_1", "Bike Polo", 40),
        Video.sampled("video_2", "-esJrBWj2d8", 20),
    ),
)
SCORED: dict[str, Any] = {
    "Bike_Polo": [0.5, 1, 0],
    "video_2": {"picks": [0, 15], "scores": [0.25, -3]},
}
EXPECTED = {"video_1": [0.5, 1, 0], "video_2": [0.25, -3]}
CSV = """\ufeffvideo, pick ,Score
bike polo,30,0
-esJrBWj2d8,15,-3
bike polo,0,0.5

-esJrBWj2d8,0,0.25
bike polo,15,1
"""


def as_json(path: Path) -> Path:
    path = path.with_suffix(".json")
    path.write_text(json.dumps(SCORED))
    return path


def beside_another_dataset(path: Path) -> Path:
    """As a project of the field writes it, under names of its own."""
    path = path.with_suffix(".json")
    mine = {"video_2": {"sampled_indices": [0, 15], "scores": [0.25, -3], "interval": 15}}
    videos = {"videos": {"Bike_Polo": [0.5, 1, 0]} | mine}
    other = {"videos": {"Scuba": {"scores": [1]}}}
    path.write_text(json.dumps({"step": 1, "datasets": {"Toy": videos, "Other": other}}))
    return path


def as_csv(path: Path) -> Path:
    path.with_suffix(".csv").write_text(CSV, encoding="utf-8")
    return path.with_suffix(".csv")


def as_csv_in_order(path: Path) -> Path:
    lines = [f"{score},{video}" for video, scores in EXPECTED.items() for score in scores]
    path.with_suffix(".csv").write_text("\n".join(["score,video", *lines]))
    return path.with_suffix(".csv")


def as_groups(path: Path) -> Path:
    with h5py.File(path, "w") as file:  # under a name that does not end in .h5
        file["Bike Polo/scores"] = np.array([0.5, 1, 0], np.float32)
        file["video_2/score"] = np.array([0.25, -3])
        file["video_2/picks"] = np.array([0, 15])
    return path


def as_arrays(path: Path) -> Path:
    with h5py.File(path.with_suffix(".h5"), "w") as file:
        for video, scores in EXPECTED.items():
            file[f"mine/{video}"] = scores
    return path.with_suffix(".h5")


FORMS = (as_json, beside_another_dataset, as_csv, as_csv_in_order, as_groups, as_arrays)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_read(tmp_path: Path, form: Callable[[Path], Path]) -> None:
    found = score_files.rows({"mine": str(form(tmp_path / "scores"))}, TIMELINE)
    assert list(found) == ["mine"]
    assert {video: list(scores_T) for video, scores_T in found["mine"].items()} == EXPECTED


def read(tmp_path: Path, document: Any, name: str = "scores.json", **options: bool) -> Any:
    path = tmp_path / name
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return score_files.read(path, TIMELINE, **options)


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (
            SCORED | {"Bike_Polo": [0.5, 1]},
            r"video_1 \(Bike Polo\): 2 scores, .* picks 3 of 40 frames; .* pick \(0, 15, 30, …",
        ),
        (
            SCORED | {"Bike_Polo": {"frames": [30, 0, 15], "scores": [0, 0.5, 1]}},
            r"video_1 .*: has no picks, and frames looks like the numbers .* call it picks",
        ),
        (SCORED | {"Bike_Polo": [0.5] * 40}, r"video_1 .*: 40 scores, .*picks 3.*--every-frame"),
        ('{"video_1": [0.5, NaN, 0], "video_2": [0, 0]}', r"video_1 .*: score number 2 is nan"),
        ('{"video_1": [0.5, 1e999, 0], "video_2": [0, 0]}', r"video_1 .*: score number 2 is inf"),
        (SCORED | {"Bike_Polo": [0.5, "1", 0]}, r"video_1 .*: 1: .*number"),
        (SCORED | {"Bike_Polo": [0.5, None, 0]}, r"video_1 .*: 1: .*number"),
        (SCORED | {"Bike_Polo": [[0.5], [1], [0]]}, r"video_1 .*: 0: .*number"),
        (SCORED | {"Bike_Polo": 3}, r"video_1 \(Bike Polo\): .*valid list, got 3; expected"),
        (SCORED | {"Bike_Polo": [0.5, -2e100, 0]}, r"number 2 is -2e\+100 .*of 1e\+100 at most"),
        (SCORED | {"Bike_Polo": {"scores": None}}, r"video_1 .*valid list, got None; expected"),
        (SCORED | {"video_1": [1, 1, 1]}, r"'video_1' and 'Bike_Polo' are both video_1"),
        ("[" * 100_000, "is not JSON .*recursion"),
        (SCORED | {"Bike_Polo": {"gt": [1]}}, r"video_1 .*: has no scores \(has gt\); expected"),
        (
            {"Bike_Polo": SCORED["Bike_Polo"]},
            r"lacks scores of video_2 \(-esJrBWj2d8\), 1 of 2 videos; .*--partial",
        ),
        (
            {"Bike_Pollo": [0.5, 1, 0], "video_2": [0, 0]},
            r"lacks scores of video_1 .* names Bike_Pollo \(is it Bike Polo\?\), which no video",
        ),
        ({"Scuba": [1]}, r"holds scores of Scuba; none is a video of toy"),
        ({"a": SCORED, "b": SCORED}, r"names videos of toy under a and under b"),
        ('{"video_1": [0, 0, 0], "video_1": [1, 1, 1]}', r"'video_1' stands twice"),
        (SCORED | {"video_2": {"picks": [0, 16], "scores": [1, 2]}}, "frame 16, not 15"),
        (SCORED | {"video_2": {"picks": [0, 15], "scores": [1]}}, "1 scores for 2 picks"),
        ("no", "is not JSON .*expected JSON .*csv.*h5"),
    ],
)
def test_wrong_scores_are_named(tmp_path: Path, document: Any, said: str) -> None:
    with pytest.raises(UserError, match=said) as caught:
        read(tmp_path, document)
    assert "scores.json" in str(caught.value)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("", r"first line must name one column video and one score, and has nothing; expected"),
        ("video_1,0,1\n", "first line must name one column video and one score, and has video_1"),
        ("video,score,score\n", "one column score, and has"),
        ("video,pick,pick,score\n", "one column pick, and has"),
        (",video,score\n0,video_1,1\n", "it may be that the one without a name names the frames"),
        ('video,pick,score\n"video_1,0,1' + "\nvideo_2,0,1" * 20_000, r"line \d+: .*a quote too"),
        ("video,pick,score\nBike Polo,0,1\nBike_Polo,15,1\n", "'Bike Polo' and 'Bike_Polo' are"),
        ("video,pick,score\nvideo_1,0\n", "line 2: 2 cells under 3 columns"),
        ("video,pick,score\nvideo_1,0,1\n\nvideo_1,0,2\n", "line 4: frame 0 of video_1 .*twice"),
        ("video,pick,score\nvideo_1,0,high\n", "line 2: .*'high'; a pick is"),
        ("video,pick,score\nvideo_1,0.5,1\n", "line 2: .*'0.5'; a pick is"),
        ("video,score\nvideo_1,1\nvideo_1,nan\nvideo_1,1\nvideo_2,1\n", "number 2 is nan"),
    ],
)  # fmt: skip
def test_a_wrong_table_is_named_by_its_line(tmp_path: Path, table: str, said: str) -> None:
    with pytest.raises(UserError, match=said) as caught:
        read(tmp_path, table, "scores.csv")
    assert "scores.csv" in str(caught.value)


def test_an_h5_that_is_none_or_holds_no_rows_of_numbers_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"a\.h5 is not a readable HDF5 file .*expected"):
        read(tmp_path, "<html>", "a.h5")
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["video_1"], file["video_2"] = np.zeros((1, 3)), np.zeros(2)
    with pytest.raises(UserError, match=r"b\.h5: video_1 .*in the shape \(1, 3\); expected"):
        score_files.read(tmp_path / "b.h5", TIMELINE)


def test_some_of_the_videos_are_enough_where_that_is_said(tmp_path: Path) -> None:
    found = read(tmp_path, {"video_2": [1, 2]}, partial=True)
    assert {name: list(scores_T) for name, scores_T in found.items()} == {"video_2": [1, 2]}
    with pytest.raises(UserError, match="holds scores of Scuba"):
        read(tmp_path, {"Scuba": [1, 2]}, partial=True)


def test_scores_of_every_frame_are_taken_at_the_picks(tmp_path: Path) -> None:
    full = {
        "video_1": list(range(40)),
        "video_2": {"picks": list(range(20)), "scores": list(range(20))},
    }
    found = read(tmp_path, full, every_frame=True)
    assert {name: list(scores_T) for name, scores_T in found.items()} == {
        "video_1": [0, 15, 30],
        "video_2": [0, 15],
    }
    with pytest.raises(UserError, match=r"3 scores, .*--every-frame takes a score for each frame"):
        read(tmp_path, SCORED, every_frame=True)


def test_a_file_of_scores_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"given\.rows\.mine: there is no file .*none\.json"):
        score_files.rows({"mine": str(tmp_path / "none.json")}, TIMELINE)


def test_a_column_that_may_number_the_frames_is_not_taken_for_their_order(tmp_path: Path) -> None:
    table = "video,frame,score\nvideo_1,30,0\nvideo_1,0,0.5\nvideo_1,15,1\n"
    with pytest.raises(UserError, match=r"no column pick, and it may be that frame names"):
        read(tmp_path, table, "scores.csv")


def test_what_is_said_of_a_video_is_not_searched_for_videos(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "other.json"
    path.write_text(json.dumps({f"film {n}": {"picks": [0], "scores": [1]} for n in range(50)}))
    searched = []

    def matched(named: Any, titles: Any, place: Any) -> Any:
        searched.append(named)
        return names.matched(named, titles, place)

    monkeypatch.setattr(score_files, "matched", matched)
    with pytest.raises(UserError, match="is a video of"):
        score_files.read(path, TIMELINE)
    assert len(searched) == 1


@pytest.mark.parametrize(
    "entry",
    [{"scores": [1, 2], "keyshots": [[0, 1], [2]]}, {"scores": [1, 2], "kind": "mean"}],
)
def test_what_else_stands_beside_scores_is_left(tmp_path: Path, entry: Any) -> None:
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(SCORED | {"video_2": entry}))
    assert score_files.read(path, TIMELINE)["video_2"].tolist() == [1, 2]


def test_a_single_number_is_no_score_of_each_frame(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(SCORED | {"video_2": {"score": 3, "ranks": [1, 2]}}))
    with pytest.raises(UserError, match="video_2"):
        score_files.read(path, TIMELINE)

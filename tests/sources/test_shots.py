"""The shots that the project carries are those the field published."""

import json
from pathlib import Path

import numpy as np
import pytest

from stages.artifacts.video import Video
from stages.errors import UserError
from stages.media.segmentation import field_shots
from stages.sources import shots

REAL = Path(__file__).parents[3] / "shared" / "data"
needs_real_data = pytest.mark.skipif(not REAL.is_dir(), reason="the real data are not at hand")
KINDS = {"summe": (25, 744), "tvsum": (50, 2373)}


@pytest.mark.parametrize("kind", KINDS)
def test_all_of_them_are_there_one_for_each_150_frames_begun(kind: shots.Benchmark) -> None:
    field = shots.field(kind)
    videos, total = KINDS[kind]
    assert list(field) == [f"video_{number}" for number in range(1, videos + 1)]
    assert sum(len(shots_S2) for shots_S2 in field.values()) == total
    for shots_S2 in field.values():
        assert len(shots_S2) == field_shots(int(shots_S2[-1, 1]) + 1)


def test_the_file_names_its_sources() -> None:
    text = (Path(shots.__file__).parent / "shots.json").read_text(encoding="utf-8")
    document = json.loads(text)
    assert "liuliuli302/tfnet" in document["SumMe"]["source"]
    assert "shot_TVSum.mat" in document["TVSum"]["source"]


def test_videos_get_the_shots_of_their_title(caplog: pytest.LogCaptureFixture) -> None:
    jumps = Video.sampled("video_1", "Jumps", 950)
    holiday = Video.sampled("video_2", "holiday", 400)
    placed, other = shots.with_field("summe", [jumps, holiday])
    assert placed.shots_from == "field"
    assert [461, 580] in placed.known_shots().tolist()
    assert other.shots_S2 is None
    assert "no shots are known of holiday" in caplog.text
    with pytest.raises(UserError, match=r"video_1 \(Jumps\) has 949 frames, .* 950: .*download.h5"):
        shots.with_field("summe", [Video.sampled("video_1", "Jumps", 949)])


def test_a_title_may_have_underscores_for_spaces() -> None:
    (placed,) = shots.with_field("summe", [Video.sampled("video_1", "Base_jumping", 4729)])
    assert placed.shots_from == "field"


@needs_real_data
def test_summes_are_the_transcribed_ones() -> None:
    known = json.loads((REAL / "summe/summe_change_points.json").read_text())
    field = shots.field("summe")
    assert set(field) == set(known)
    for name, shots_S2 in field.items():
        np.testing.assert_array_equal(shots_S2, known[name]["change_points"])


@needs_real_data
def test_tvsums_are_those_of_the_mat() -> None:
    order = json.loads((REAL / "tvsum/tvsum_h5_order.json").read_text())
    frames = [order[f"video_{number}"]["n_frames"] for number in range(1, 51)]
    known = shots.read(REAL / "tvsum/shot_TVSum.mat", frames)
    for shots_S2, expected_S2 in zip(shots.field("tvsum").values(), known, strict=True):
        np.testing.assert_array_equal(shots_S2, expected_S2)
    placed = shots.with_field(
        "tvsum",
        [
            Video.sampled(name, known["youtube_id"], known["n_frames"])
            for name, known in order.items()
        ],
    )
    assert all(video.shots_from == "field" for video in placed)

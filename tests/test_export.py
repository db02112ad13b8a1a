"""`llmvs export h5` writes what the field's systems read."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from typer.testing import CliRunner

from stages import cli
from stages.artifacts import field, people, timeline
from stages.artifacts.people import Judgement, People
from stages.artifacts.places import Places
from stages.artifacts.timeline import Timeline
from stages.artifacts.video import Video
from stages.summaries.keyshots import summarise

N = 100
SHOTS = np.column_stack([np.arange(0, N, 10), np.arange(9, N, 10)])


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A dataset whose people gave scores alone."""
    video = Video.sampled("video_1", "a film", N, 25.0).with_shots(SHOTS, "field")
    scores_UN = np.random.default_rng(0).integers(1, 6, (3, N)).astype(np.float32)
    gtscore_T = (scores_UN.mean(axis=0)[video.picks_T] - 1) / 4
    places = Places(tmp_path / "mine")
    timeline.write(places.timeline, Timeline("mine", (video,)))
    people.write(
        places.people, People("mine", False, (Judgement("video_1", gtscore_T, None, scores_UN),))
    )
    return tmp_path


def test_the_fields_keys_are_there_and_read_back(data: Path) -> None:
    out = data / "mine.h5"
    done = CliRunner().invoke(cli.app, ["export", "h5", "mine", str(out), "--data", str(data)])
    assert done.exit_code == 0, done.output
    with h5py.File(out) as file:
        group = file["video_1"]
        assert set(group) == {
            "video_name", "n_frames", "n_steps", "picks", "gtscore", "user_summary",
            "user_scores", "change_points", "n_frame_per_seg",
        }  # fmt: skip
        assert int(group["n_steps"][()]) == 7
        assert group["n_frame_per_seg"][()].tolist() == [10] * 10
        scores_UN = group["user_scores"][()]
        for shown_N, scores_N in zip(group["user_summary"][()], scores_UN, strict=True):
            assert np.array_equal(shown_N, summarise(scores_N, SHOTS, 0.15))
    videos, judged = field.read(out)
    assert videos.videos[0].title == "a film"
    assert np.array_equal(videos.videos[0].known_shots(), SHOTS)
    assert judged.videos[0].users == 3


def test_a_dataset_that_was_not_made_yet_is_named(tmp_path: Path) -> None:
    done = CliRunner().invoke(
        cli.app, ["export", "h5", "mine", str(tmp_path / "o.h5"), "--data", str(tmp_path)]
    )
    assert done.exit_code == 1
    assert "timeline.h5 not found" in str(done.exception)

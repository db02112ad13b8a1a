from itertools import pairwise
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stage_outputs import make

from stages import params
from stages.errors import UserError
from stages.reporting import videos
from stages.reporting.videos import PEOPLE, ZERO_SHOT, Sources, Video

MODELS = ("llmvs", "mlp")


def read(root: Path, dataset: str = "demo", thumbnails: int = 100) -> list[Video]:
    recipe = params.recipe(dataset, root / "params.yaml")
    return list(videos.read(Sources.under(root / "data", dataset), recipe, MODELS, thumbnails))


@given(st.lists(st.booleans(), max_size=40))
def test_runs_cover_exactly_the_frames_shown(shown: list[bool]) -> None:
    rebuilt = [False] * len(shown)
    runs = videos.runs_of(np.array(shown, dtype=bool))
    for start, end in runs.tolist():
        rebuilt[start : end + 1] = [True] * (end + 1 - start)
    assert rebuilt == shown
    assert all(start > end + 1 for (_, end), (start, _) in pairwise(runs.tolist()))


def test_a_models_curve_is_the_mean_over_seeds(artifacts: Path) -> None:
    with h5py.File(artifacts / "data/predictions/demo/llmvs.h5") as file:
        each = [file[f"strict/seed_{seed}/split_0/video_1"][()] for seed in (0, 1)]
    np.testing.assert_allclose(read(artifacts)[0].scores["llmvs"], (each[0] + each[1]) / 2, 1e-6)


def test_a_video_that_the_first_protocol_never_tests_has_no_curve_of_a_model(
    tmp_path: Path,
) -> None:
    first, second, *_ = read(make(tmp_path, protocols=("official", "strict")))
    assert set(first.scores) == {PEOPLE, ZERO_SHOT}
    assert set(second.scores) == {PEOPLE, ZERO_SHOT, *MODELS}
    with h5py.File(tmp_path / "data/predictions/demo/mlp.h5") as file:
        each = [file[f"official/seed_{seed}/split_0/video_2"][()] for seed in (0, 1)]
    np.testing.assert_allclose(second.scores["mlp"], (each[0] + each[1]) / 2, 1e-6)


def test_people_are_put_on_zero_to_one_by_their_own_scale(artifacts: Path) -> None:
    with h5py.File(artifacts / "data/raw/demo/annotations.h5") as file:
        given_UN, picks_T = file["video_1/user_scores"][()], file["video_1/picks"][()]
    expected = [np.mean([(scores[pick] - 1) / 4 for scores in given_UN]) for pick in picks_T]
    np.testing.assert_allclose(read(artifacts)[0].scores[PEOPLE], expected, 1e-6)


def test_where_people_gave_no_scores_their_curve_is_the_share_that_chose_the_frame(
    tmp_path: Path,
) -> None:
    video = read(make(tmp_path, dataset="summe", scores=False), "summe")[0]
    assert video.people_UT is None
    np.testing.assert_allclose(video.scores[PEOPLE], video.shown_N[video.picks_T])


def test_a_reply_without_a_score_is_a_gap_and_not_a_number(artifacts: Path) -> None:
    video = read(artifacts)[0]
    assert np.flatnonzero(np.isnan(video.scores[ZERO_SHOT])).tolist() == [2]
    assert video.replies[2] == "I cannot say."
    assert np.nanmax(video.scores[ZERO_SHOT]) <= 1


def test_captions_follow_their_frames(artifacts: Path) -> None:
    assert read(artifacts)[3].captions[:2] == ("Frame 0 of video 4.", "Frame 1 of video 4.")


def test_a_summary_keeps_within_the_budget(artifacts: Path) -> None:
    for video in read(artifacts):
        kept = sum(end + 1 - start for start, end in video.summaries["llmvs"].tolist())
        assert 0 < kept <= 0.15 * video.n_frames


def test_a_long_video_gets_no_more_thumbnails_than_allowed(artifacts: Path) -> None:
    video = read(artifacts, thumbnails=5)[0]
    assert len(video.thumbnails.images) == 5
    assert len(video.captions) == 12


@pytest.mark.parametrize(
    ("name", "stage"),
    [
        ("raw/demo/annotations.h5", "download"),
        ("frames/demo.h5", "sample"),
        ("captions/demo.jsonl", "caption"),
        ("embeddings/demo.h5", "embed"),
        ("predictions/demo/mlp.h5", "train"),
    ],
)
@pytest.mark.parametrize("damage", ["missing", "damaged"])
def test_a_missing_or_damaged_input_is_named_with_the_stage_that_makes_it(
    artifacts: Path, name: str, stage: str, damage: str
) -> None:
    path = artifacts / "data" / name
    path.unlink() if damage == "missing" else path.write_bytes(b"not this")
    with pytest.raises(UserError, match=name.rsplit("/", 1)[-1]) as caught:
        read(artifacts)
    assert stage in str(caught.value) or (stage == "download" and damage == "damaged")


def test_captions_of_other_frames_are_refused(artifacts: Path) -> None:
    path = artifacts / "data/captions/demo.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(lines[1:]), encoding="utf-8")
    with pytest.raises(UserError, match=r"video_1 are not of its frames; run the caption stage"):
        read(artifacts)

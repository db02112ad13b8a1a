from itertools import pairwise
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stage_outputs import make

from stages import params
from stages.artifacts import frames, people, scores, timeline
from stages.artifacts.frames import Sampled
from stages.artifacts.places import Places
from stages.errors import UserError
from stages.pages import stories
from stages.pages.stories import PEOPLE, ZERO_SHOT, Story

MODELS = ("llmvs", "mlp")


def read(root: Path, dataset: str = "demo", thumbnails: int = 100) -> list[Story]:
    recipe = params.recipe(dataset, root / "params.yaml")
    return list(stories.read(Places(root / "data" / dataset), recipe, MODELS, thumbnails))


@given(st.lists(st.booleans(), max_size=40))
def test_runs_cover_exactly_the_frames_shown(shown: list[bool]) -> None:
    rebuilt = [False] * len(shown)
    runs = stories.runs_of(np.array(shown, dtype=bool))
    for start, end in runs.tolist():
        rebuilt[start : end + 1] = [True] * (end + 1 - start)
    assert rebuilt == shown
    assert all(start > end + 1 for (_, end), (start, _) in pairwise(runs.tolist()))


def test_a_models_curve_is_the_mean_over_seeds(artifacts: Path) -> None:
    with h5py.File(artifacts / "data/demo/predictions/llmvs.h5") as file:
        each = [file[f"strict/seed_{seed}/split_0/video_1"][()] for seed in (0, 1)]
    np.testing.assert_allclose(read(artifacts)[0].scores["llmvs"], (each[0] + each[1]) / 2, 1e-6)


def test_a_video_that_the_first_protocol_never_tests_has_no_curve_of_a_model(
    tmp_path: Path,
) -> None:
    first, second, *_ = read(make(tmp_path, protocols=("official", "strict")))
    assert set(first.scores) == {PEOPLE, ZERO_SHOT}
    assert set(second.scores) == {PEOPLE, ZERO_SHOT, *MODELS}
    with h5py.File(tmp_path / "data/demo/predictions/mlp.h5") as file:
        each = [file[f"official/seed_{seed}/split_0/video_2"][()] for seed in (0, 1)]
    np.testing.assert_allclose(second.scores["mlp"], (each[0] + each[1]) / 2, 1e-6)


def test_people_are_put_on_zero_to_one_by_their_own_scale(artifacts: Path) -> None:
    places = Places(artifacts / "data/demo")
    videos = timeline.read(places.timeline)
    given_UN = people.read(places.people, videos).by_name["video_1"].user_scores_UN
    assert given_UN is not None
    picks_T = videos.by_name["video_1"].picks_T
    expected = [np.mean([(scores[pick] - 1) / 4 for scores in given_UN]) for pick in picks_T]
    np.testing.assert_allclose(read(artifacts)[0].scores[PEOPLE], expected, 1e-6)


def test_where_people_gave_no_scores_their_curve_is_the_share_that_chose_the_frame(
    tmp_path: Path,
) -> None:
    story = read(make(tmp_path, dataset="summe", scores=False), "summe")[0]
    assert story.people_UT is None
    np.testing.assert_allclose(story.scores[PEOPLE], story.shown_N[story.video.picks_T])


def test_a_reply_without_a_score_is_a_gap_and_not_a_number(artifacts: Path) -> None:
    story = read(artifacts)[0]
    assert np.flatnonzero(np.isnan(story.scores[ZERO_SHOT])).tolist() == [2]
    assert story.replies is not None
    assert story.replies[2] == "I cannot say."
    assert np.nanmax(story.scores[ZERO_SHOT]) <= 1


def test_captions_follow_their_frames(artifacts: Path) -> None:
    captions = read(artifacts)[3].captions
    assert captions is not None
    assert captions[:2] == ("Frame 0 of video 4.", "Frame 1 of video 4.")


def test_a_summary_keeps_within_the_budget(artifacts: Path) -> None:
    for story in read(artifacts):
        kept = sum(end + 1 - start for start, end in story.summaries["llmvs"].tolist())
        assert 0 < kept <= 0.15 * story.video.n_frames


def test_a_long_video_gets_no_more_thumbnails_than_allowed(artifacts: Path) -> None:
    story = read(artifacts, thumbnails=5)[0]
    assert story.thumbnails is not None
    assert story.captions is not None
    assert len(story.thumbnails.images) == 5
    assert len(story.captions) == 12


def test_without_thumbnails_wanted_no_frames_are_looked_for(artifacts: Path) -> None:
    Places(artifacts / "data/demo").frames.unlink()
    assert all(story.thumbnails is None for story in read(artifacts, thumbnails=0))


@pytest.mark.parametrize(
    ("given", "has"),
    [
        ("captions", (False, True, True, True)),
        ("embeddings", (False, False, False, False)),
        ("scores", (False, False, False, False)),
    ],
)
def test_a_story_has_what_its_dataset_has_and_no_more(
    tmp_path: Path, given: str, has: tuple[bool, ...]
) -> None:
    root = make(tmp_path, given=given)
    rows = ("ours", "theirs") if given == "scores" else MODELS
    recipe = params.recipe("demo", root / "params.yaml")
    told = list(stories.read(Places(root / "data/demo"), recipe, rows, 100))
    assert len(told) == 5
    for story in told:
        parts = (story.thumbnails, story.captions, story.replies)
        found = (*(part is not None for part in parts), ZERO_SHOT in story.scores)
        assert found == has
        assert set(rows) <= set(story.scores)
        assert set(story.summaries) == set(rows)


def test_scores_that_were_given_are_shown_as_they_are(tmp_path: Path) -> None:
    root = make(tmp_path, given="scores")
    places = Places(root / "data/demo")
    recipe = params.recipe("demo", root / "params.yaml")
    given = scores.read(places.scores, timeline.read(places.timeline))
    for story in stories.read(places, recipe, ("theirs",), 0):
        np.testing.assert_array_equal(story.scores["theirs"], given["theirs"][story.name])


@pytest.mark.parametrize(
    ("name", "stage"),
    [
        ("timeline.h5", "stage"),
        ("source/people.h5", "download"),
        ("frames.h5", "sample"),
        ("captions.jsonl", "stage"),
        ("inputs/embeddings.h5", "stage"),
        ("predictions/mlp.h5", "train"),
    ],
)
@pytest.mark.parametrize("damage", ["missing", "damaged"])
def test_a_missing_or_damaged_input_is_named_with_the_stage_that_makes_it(
    artifacts: Path, name: str, stage: str, damage: str
) -> None:
    path = artifacts / "data/demo" / name
    path.unlink() if damage == "missing" else path.write_bytes(b"not this")
    with pytest.raises(UserError, match=name.rsplit("/", 1)[-1]) as caught:
        read(artifacts)
    assert stage in str(caught.value)


def test_captions_of_other_frames_are_refused(artifacts: Path) -> None:
    path = artifacts / "data/demo/captions.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(lines[1:]), encoding="utf-8")
    with pytest.raises(UserError, match=r"captions\.jsonl: video_1 .*is given for 11 frames"):
        read(artifacts)


def test_pictures_of_other_frames_are_refused(artifacts: Path) -> None:
    places = Places(artifacts / "data/demo")
    with frames.reading(places.frames) as stills:
        fewer = [
            Sampled(name=of.name, jpegs=tuple(of.jpegs())[1:], picks_T=of.picks()[1:])
            for of in stills
        ]
    frames.write(places.frames, fewer)
    with pytest.raises(UserError, match=r"frames\.h5: video_1 .*is given for 11 frames"):
        read(artifacts)

"""Panels are put together from a timeline and people, and from nothing else."""

import numpy as np
import pytest

from stages.artifacts.people import Judgement, People
from stages.artifacts.timeline import Timeline
from stages.artifacts.video import Video
from stages.errors import UserError
from stages.metrics.panel import Rules
from stages.metrics.panels import Panels
from stages.sources import shots
from stages.summaries.keyshots import summarise

N = 90
SHOTS = np.column_stack([np.arange(0, N, 9), np.arange(8, N, 9)])
RULES = Rules("scores", "mean", 0.3)


def scored(name: str, seed: int = 0) -> Judgement:
    scores_UN = np.random.default_rng(seed).integers(1, 6, (4, N)).astype(np.float32)
    return Judgement(name, scores_UN[:, ::15].mean(axis=0) / 5, None, scores_UN)


def test_users_summaries_are_made_of_their_scores_where_they_gave_none() -> None:
    video = Video.sampled("video_1", "a", N).with_shots(SHOTS, "field")
    judged = scored("video_1")
    (panel,) = Panels(Timeline("d", (video,)), People("d", False, (judged,)), RULES).values()
    assert judged.user_scores_UN is not None
    for shown_N, scores_N in zip(panel.user_summary, judged.user_scores_UN, strict=True):
        assert np.array_equal(shown_N, summarise(scores_N, SHOTS, 0.3))
    assert panel.picks.tolist() == list(range(0, N, 15))
    beyond = Rules("scores", "mean", 0.3, None, 1)
    (panel,) = Panels(Timeline("d", (video,)), People("d", False, (judged,)), beyond).values()
    for shown_N, scores_N in zip(panel.user_summary, judged.user_scores_UN, strict=True):
        assert np.array_equal(shown_N, summarise(scores_N, SHOTS, 0.3, 1))


def test_summaries_that_were_given_stay() -> None:
    video = Video.sampled("video_1", "a", N).with_shots(SHOTS, "field")
    given = np.eye(2, N, dtype=np.float32)
    judged = Judgement("video_1", np.zeros(6, np.float32), given)
    rules = Rules("summary", "max", 0.3)
    (panel,) = Panels(Timeline("d", (video,)), People("d", False, (judged,)), rules).values()
    assert np.array_equal(panel.user_summary, given)


def test_a_video_nobody_judged_has_no_panel() -> None:
    videos = tuple(
        Video.sampled(name, name, N).with_shots(SHOTS, "field") for name in ("video_1", "video_2")
    )
    made = Panels(Timeline("d", videos), People("d", False, (scored("video_2"),)), RULES)
    assert list(made) == ["video_2"]


def test_unknown_shots_are_named_with_what_brings_them() -> None:
    video = Video.sampled("video_1", "a film", N)
    with pytest.raises(UserError, match=r"video_1 \(a film\): its shots are not.*download.h5"):
        Panels(Timeline("d", (video,)), People("d", False, (scored("video_1"),)), RULES)


def test_all_of_tvsums_panels_stay_in_memory() -> None:
    videos = shots.expected("tvsum", "TVSum")

    def said(video: Video) -> Judgement:
        shape = (20, video.n_frames)
        scored_UN = np.broadcast_to(np.float32(1), shape)  # as large as it says, and takes nothing
        chosen_UN = np.broadcast_to(np.bool_(True), shape)
        return Judgement(video.name, np.ones(len(video.picks_T), np.float32), chosen_UN, scored_UN)

    people = People("TVSum", False, tuple(map(said, videos.videos)))
    panels = Panels(videos, people, Rules("scores", "mean", 0.15))
    first = [panels[name] for name in panels]
    assert len(first) == 50
    assert all(panels[name] is panel for name, panel in zip(panels, first, strict=True))

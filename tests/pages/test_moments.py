"""Where a model erred most, on scores small enough to rank by eye."""

import numpy as np
from told import story

from stages.pages.ranks import ranks
from stages.pages.report.moments import of_all, of_video


def test_a_score_stands_at_the_share_of_the_others_below_it() -> None:
    assert ranks([0.1, 0.9, 0.5]).tolist() == [0, 1, 0.5]
    assert ranks([3, 3, 3]).tolist() == [0.5, 0.5, 0.5]
    assert ranks([7]).tolist() == [0.5]


def test_the_worst_moment_of_each_shot_the_worst_shot_first() -> None:
    people = [0, 1, 2, 3, 4, 5, 6, 7]
    model = [0, 1, 2, 7, 4, 5, 6, 3]  # frames 3 and 7 change places
    video = story(people, model, shots=(0, 2, 4, 6))
    first, second, *rest = of_video(video, "m", 9)
    assert (first.frame, second.frame) == (3, 7)
    assert (first.people, first.model) == (3 / 7, 1)
    assert first.gap == -second.gap == 4 / 7
    assert [moment.gap for moment in rest] == [0, 0]
    assert len(of_video(video, "m", 1)) == 1


def test_the_order_alone_counts() -> None:
    people = np.arange(8)
    assert all(not moment.gap for moment in of_video(story(people, people**3), "m", 9))


def test_over_all_videos_no_video_takes_more_than_its_share() -> None:
    people = list(range(8))
    videos = [
        story(people, people[::-1], shots=(0, 2, 4, 6), name="bad"),
        story(people, [1, 0, *people[2:]], shots=(0, 2, 4, 6), name="good"),
    ]
    found = of_all(videos, "m", most=3, each=2)
    assert [moment.video for moment in found] == ["bad", "bad", "good"]
    assert [abs(moment.gap) for moment in found] == sorted(
        (abs(moment.gap) for moment in found), reverse=True
    )


def test_a_video_that_was_not_scored_has_no_moments() -> None:
    assert of_video(story([1, 2], None), "m", 3) == []

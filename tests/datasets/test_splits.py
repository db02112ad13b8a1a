from collections import Counter

import pytest

from stages.datasets.splits import strict
from stages.errors import UserError

NAMES = [f"video_{number}" for number in range(1, 24)]


def test_every_video_is_tested_once_and_never_trained_on_then() -> None:
    splits = strict(NAMES, folds=5)
    assert Counter(name for split in splits for name in split.test) == Counter(NAMES)
    for split in splits:
        assert set(split.train) | set(split.test) == set(NAMES)
        assert not set(split.train) & set(split.test)
    assert sorted(len(split.test) for split in splits) == [4, 4, 5, 5, 5]


def test_the_order_of_names_does_not_matter_and_the_seed_does() -> None:
    assert strict(NAMES[::-1], 5, seed=3) == strict(NAMES, 5, seed=3)
    assert strict(NAMES, 5, seed=3) != strict(NAMES, 5, seed=4)


def test_the_splits_of_twenty_videos_stay_what_they_are() -> None:
    """Results of different releases are compared only if these never move."""
    first = strict([f"video_{number}" for number in range(1, 21)], 5)[0]
    assert first.test == ("video_3", "video_5", "video_7", "video_20")


@pytest.mark.parametrize("folds", [1, 24])
def test_impossible_folds_are_refused(folds: int) -> None:
    with pytest.raises(UserError, match=rf"{folds} folds cannot be made of 23 videos"):
        strict(NAMES, folds)


def test_a_name_given_twice_is_refused() -> None:
    with pytest.raises(UserError, match="named twice"):
        strict(["video_1", "video_1", "video_2"], 2)

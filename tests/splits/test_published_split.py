"""A split that a dataset's authors published is taken as it is, or refused by name."""

import re

import pytest

from stages.errors import UserError
from stages.section import validated
from stages.splits.folds import Split, splits
from stages.splits.settings import Splits
from stages.training.crossvalidation import chosen_by

PARTS = {
    "video_10": "train",
    "video_2": "train",
    "video_3": "validation",
    "video_4": "test",
    "video_1": "test",
}


def test_every_video_has_the_part_that_the_authors_gave_it() -> None:
    (split,) = splits("fixed", "published", list(PARTS), 1, PARTS)
    assert split == Split(
        train=("video_2", "video_10"), test=("video_1", "video_4"), validation=("video_3",)
    )


def test_the_epoch_is_chosen_on_the_validation_videos_which_nothing_learns_from() -> None:
    (split,) = splits("fixed", "published", list(PARTS), 1, PARTS)
    assert chosen_by("fixed", split, 0, seed=3) == (("video_2", "video_10"), ("video_3",))


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({**PARTS, "video_2": None}, "of video_2 no part"),
        ({}, "of video_1 no part"),
        ({**PARTS, "video_3": "train"}, "has no validation video"),
    ],
)
def test_a_split_that_lacks_something_is_refused(parts: dict[str, str | None], said: str) -> None:
    known = {name: part for name, part in parts.items() if part}
    with pytest.raises(UserError, match=said):
        splits("fixed", "published", list(PARTS), 1, known)


@pytest.mark.parametrize(
    ("protocols", "source", "folds", "said"),
    [
        (["fixed"], "drawn", 2, "the protocol fixed takes source published"),
        (["strict"], "published", 2, "the protocol fixed takes source published"),
        (["fixed", "strict"], "published", 1, "a published split is one: protocols [fixed]"),
        (["fixed"], "published", 5, "a published split is one: protocols [fixed]"),
        (["strict"], "drawn", 1, "folds: must be >= 2, got 1"),
    ],
)
def test_settings_that_go_with_no_split_are_refused(
    protocols: list[str], source: str, folds: int, said: str
) -> None:
    settings = {"protocols": protocols, "source": source, "folds": folds}
    with pytest.raises(UserError, match=re.escape(said)):
        validated(Splits, settings, "params.yaml", "splits")

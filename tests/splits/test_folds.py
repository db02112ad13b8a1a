import json
from collections import Counter
from pathlib import Path

import pytest

from stages.errors import UserError
from stages.splits.folds import Protocol, Source, overlapping, set_aside, splits, strict

NAMES = [f"video_{number}" for number in range(1, 24)]
FIELD: dict[Source, list[str]] = {
    "summe": [f"video_{number}" for number in range(1, 26)],
    "tvsum": [f"video_{number}" for number in range(1, 51)],
}
PUBLISHED = Path(__file__).parents[2].parent / "shared" / "data" / "splits"


def test_every_video_is_tested_once_and_never_trained_on_then() -> None:
    splits = strict(NAMES, folds=5)
    assert Counter(name for split in splits for name in split.test) == Counter(NAMES)
    for split in splits:
        assert set(split.train) | set(split.test) == set(NAMES)
        assert not set(split.train) & set(split.test)
    assert sorted(len(split.test) for split in splits) == [4, 4, 5, 5, 5]


def test_overlapping_splits_test_a_share_each_and_some_videos_twice() -> None:
    splits = overlapping(NAMES, folds=5)
    assert [len(split.test) for split in splits] == [5] * 5
    for split in splits:
        assert sorted([*split.train, *split.test]) == sorted(NAMES)
    times = Counter(name for split in splits for name in split.test)
    assert max(times.values()) > 1
    assert len(times) < len(NAMES)


@pytest.mark.parametrize("draw", [strict, overlapping])
def test_the_order_of_names_does_not_matter_and_the_seed_does(draw) -> None:  # type: ignore[no-untyped-def]
    assert draw(NAMES[::-1], 5, seed=3) == draw(NAMES, 5, seed=3)
    assert draw(NAMES, 5, seed=3) != draw(NAMES, 5, seed=4)


def test_the_splits_of_twenty_videos_stay_what_they_are() -> None:
    """Results of different releases are compared only if these never move."""
    names = [f"video_{number}" for number in range(1, 21)]
    assert strict(names, 5)[0].test == ("video_3", "video_5", "video_7", "video_20")
    assert overlapping(names, 5)[0].test == ("video_6", "video_10", "video_12", "video_15")


@pytest.mark.parametrize("draw", [strict, overlapping])
@pytest.mark.parametrize("folds", [1, 24])
def test_impossible_folds_are_refused(draw, folds: int) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(UserError, match=rf"{folds} folds cannot be made of 23 videos"):
        draw(NAMES, folds)


def test_a_name_given_twice_is_refused() -> None:
    with pytest.raises(UserError, match="named twice"):
        strict(["video_1", "video_1", "video_2"], 2)


def test_drawn_splits_are_those_of_the_protocol() -> None:
    assert splits("strict", "drawn", NAMES, 4) == strict(NAMES, 4)
    assert splits("official", "drawn", NAMES, 4) == overlapping(NAMES, 4)


@pytest.mark.parametrize(("source", "tested", "ever"), [("summe", 5, 18), ("tvsum", 10, 34)])
def test_the_fields_lists_have_the_known_sizes(source: Source, tested: int, ever: int) -> None:
    names = FIELD[source]
    for protocol, expected in (("official", ever), ("strict", len(names))):
        found = splits(protocol, source, names[::-1], 5)  # type: ignore[arg-type]
        assert [len(split.test) for split in found] == [tested] * 5
        assert len({name for split in found for name in split.test}) == expected
        for split in found:
            assert sorted([*split.train, *split.test]) == sorted(names)


def test_the_first_lists_are_those_that_were_published() -> None:
    first = splits("official", "summe", FIELD["summe"], 5)[0]
    assert first.test == ("video_4", "video_9", "video_16", "video_21", "video_25")
    first = splits("strict", "summe", FIELD["summe"], 5)[0]
    assert first.test == ("video_2", "video_11", "video_13", "video_14", "video_24")


@pytest.mark.skipif(
    not PUBLISHED.is_dir(), reason="the published lists are not beside the repository"
)
@pytest.mark.parametrize("source", FIELD)
@pytest.mark.parametrize(("protocol", "file"), [("official", "splits"), ("strict", "kfold_splits")])
def test_the_fields_lists_are_the_published_ones(
    source: Source, protocol: Protocol, file: str
) -> None:
    published = json.loads((PUBLISHED / f"{source}_{file}.json").read_text(encoding="utf-8"))
    found = splits(protocol, source, FIELD[source], 5)
    assert len(found) == len(published)
    for split, of in zip(found, published, strict=True):
        assert sorted(split.test) == sorted(of["test_keys"])
        assert sorted(split.train) == sorted(of["train_keys"])


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (FIELD["summe"][:-1], "lacks video_25"),
        ([*FIELD["summe"], "cat"], "has cat besides"),
        ([*FIELD["summe"][1:], "cat"], "lacks video_1 and has cat besides"),
    ],
)
def test_the_fields_lists_are_refused_for_other_videos(names: list[str], said: str) -> None:
    with pytest.raises(UserError, match=rf"25 videos, and this dataset {said}; .*drawn"):
        splits("official", "summe", names, 5)


def test_the_fields_lists_are_five() -> None:
    with pytest.raises(UserError, match=r"splits\.folds in params\.yaml to 5"):
        splits("strict", "tvsum", FIELD["tvsum"], 4)


@pytest.mark.parametrize(("share", "size"), [(0.01, 1), (0.25, 6), (0.9, 21)])
def test_what_is_set_aside_is_no_longer_learnt_from(share: float, size: int) -> None:
    learnt, aside = set_aside(NAMES, share, seed=1)
    assert len(aside) == size
    assert sorted([*learnt, *aside]) == sorted(NAMES)
    assert [name for name in NAMES if name in aside] == aside
    assert set_aside(NAMES, share, seed=1) == (learnt, aside)
    assert set_aside(NAMES, share, seed=2) != (learnt, aside)


def test_something_is_left_to_learn_from() -> None:
    with pytest.raises(UserError, match="2 of 2 training videos aside"):
        set_aside(NAMES[:2], 0.9, seed=0)

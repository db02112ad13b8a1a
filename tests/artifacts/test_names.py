"""Which names mean the same video."""

import re
import unicodedata

import numpy as np
import pytest

from stages.artifacts import names
from stages.errors import UserError

VIDEOS = [("video_1", "Bike Polo"), ("video_2", "Car_railcrossing"), ("video_3", "Café Müller")]


@pytest.mark.parametrize(
    ("written", "video"),
    [
        ("video_1", "video_1"),
        ("Bike Polo", "video_1"),
        ("Bike_Polo", "video_1"),
        ("bike_polo", "video_1"),
        ("VIDEO_1", "video_1"),
        ("Car railcrossing", "video_2"),
        ("Café Müller", "video_3"),
        (unicodedata.normalize("NFD", "Café_Müller"), "video_3"),
        (unicodedata.normalize("NFD", "CAFÉ MÜLLER"), "video_3"),
    ],
)
def test_every_spelling_means_its_video(written: str, video: str) -> None:
    assert names.matched({written: 7}, VIDEOS, "a.json") == ({video: 7}, [])
    decomposed = [(name, unicodedata.normalize("NFD", title)) for name, title in VIDEOS]
    assert names.matched({written: 7}, decomposed, "a.json") == ({video: 7}, [])


def test_what_no_video_is_called_is_a_stranger() -> None:
    assert names.matched({"Bike-Polo": 1, "Jumps": 2}, VIDEOS, "a") == ({}, ["Bike-Polo", "Jumps"])


def test_the_surest_name_goes_first() -> None:
    """YouTube ids may differ in capitals alone."""
    found = {"abC": 1, "ABC": 2, "A b": 3, "a_b": 4}
    videos = [("video_1", "ABC"), ("video_2", "abC"), ("video_3", "a b")]
    matches, strangers = names.matched(found, videos, "a.json")
    assert (matches, strangers) == ({"video_1": 2, "video_2": 1, "video_3": 4}, ["A b"])
    assert names.matched({"abC": 1}, videos, "a.json") == ({"video_2": 1}, [])


@pytest.mark.parametrize(
    ("found", "videos", "said"),
    [
        (
            ["A_B C", "A B_C"],
            [("video_1", "A B C")],
            r"a\.json: 'A B_C' and 'A_B C' may mean video_1 \(A B C\)",
        ),
        (["ABC", "Abc"], [("video_1", "abc")], "'ABC' and 'Abc' may mean video_1"),
        (["A_B", "A B"], [("video_1", "A B")], r"'A B' and 'A_B' are both video_1 \(A B\)"),
        (["A", "video_1"], [("video_1", "A")], r"'video_1' and 'A' are both video_1 \(A\)"),
        (
            ["ABC"],
            [("video_1", "abc"), ("video_2", "Abc")],
            r"'ABC' may mean video_1 \(abc\) or video_2 \(Abc\)",
        ),
    ],
)
def test_what_may_mean_two_things_is_an_error_with_both(
    found: list[str], videos: list[tuple[str, str]], said: str
) -> None:
    with pytest.raises(UserError, match=said):
        names.matched(dict.fromkeys(found, 0), videos, "a.json")


def test_the_nearest_name_is_the_most_alike() -> None:
    assert names.nearest("Base jumping", ["Bike Polo", "base_jump"]) == "base_jump"
    assert names.nearest("Base jumping", ["xyz"]) is None


def test_names_are_in_the_order_of_their_numbers() -> None:
    wanted = [
        "", "1", "02", "2b", "10", "a", "a_1", "a1", "a2", "a2 part 1", "a2 part 10", "a10",
        "b٣", "b20", f"c{10**40}", f"c{10**40 + 1}", f"c{10**41}",
    ]  # fmt: skip
    assert sorted(wanted, key=names.natural) == sorted(wanted, key=slow_natural)
    assert sorted(["video_10", "video_9", "video_100"], key=names.natural) == [
        "video_9", "video_10", "video_100",
    ]  # fmt: skip


def slow_natural(name: str) -> list[tuple[int, str]]:
    parts = re.split(r"(\d+)", name)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


def test_any_names_are_sorted_as_text_and_numbers_in_turn() -> None:
    random = np.random.default_rng(0)
    letters = list("a_ !0123456789b9")
    found = ["".join(random.choice(letters, random.integers(1, 9))) for _ in range(3000)]
    assert sorted(found, key=names.natural) == sorted(found, key=slow_natural)

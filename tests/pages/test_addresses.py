"""File names as addresses in a page."""

import os

import pytest

from stages.pages.addresses import address


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Été à Rom.summary.mp4", "Été à Rom.summary.mp4"),
        ("50% #1?.mp4", "50%25 %231%3F.mp4"),
        (os.fsdecode(b"caf\xe9.mp4"), "caf%E9.mp4"),
        ("two\nlines.mp4", "two%0Alines.mp4"),
    ],
)
def test_a_file_is_found_whatever_its_name_holds(name: str, expected: str) -> None:
    assert address(name) == expected

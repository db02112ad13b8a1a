"""A file is another's while its holder lives, and nobody's once it has no name."""

from pathlib import Path

import pytest

from stages.work.locks import lock, taken


def test_a_file_that_is_held_is_refused_until_it_is_closed(tmp_path: Path) -> None:
    place = tmp_path / "f"
    with place.open("w") as first, place.open("a") as second:
        assert lock(first)
        with pytest.raises(BlockingIOError):
            taken(second)
        first.close()
        assert taken(second)
        assert taken(second.fileno())


def test_a_file_that_was_removed_before_it_was_locked_is_not_taken(tmp_path: Path) -> None:
    place = tmp_path / "f"
    with place.open("w") as file:
        place.unlink()
        assert not taken(file)

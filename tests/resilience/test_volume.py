"""A disk that is full, on purpose."""

import errno
from pathlib import Path

import pytest

from stages.resilience import volume


def test_a_filled_file_system_takes_no_more_than_was_left(tmp_path: Path) -> None:
    try:
        with volume.small(tmp_path) as place:
            volume.fill(place / "filler", 64 << 10)
            assert volume.free(place) == 64 << 10
            (place / "fits").write_bytes(bytes(60 << 10))
            with pytest.raises(OSError, match="No space left") as refused:
                (place / "more").write_bytes(bytes(60 << 10))
            assert refused.value.errno == errno.ENOSPC
            (place / "filler").unlink()
            (place / "more").write_bytes(bytes(60 << 10))
    except volume.UnavailableError:
        pytest.skip("this process may not mount")
    assert not any(place.iterdir())


def test_it_is_unmounted_when_the_trials_are_stopped(tmp_path: Path) -> None:
    try:
        with pytest.raises(KeyboardInterrupt), volume.small(tmp_path) as place:
            (place / "held").write_text("")
            raise KeyboardInterrupt
    except volume.UnavailableError:
        pytest.skip("this process may not mount")
    assert not any(place.iterdir())

import errno
from pathlib import Path

import pytest

from stages.work import files
from stages.work.files import replacing


def test_a_file_appears_whole(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "out.txt"
    with replacing(target) as temporary:
        temporary.write_text("half")
        assert not target.exists()
        temporary.write_text("whole")
    assert target.read_text() == "whole"
    assert list(tmp_path.rglob("*.*")) == [target]


def test_a_failure_leaves_the_earlier_file_and_no_litter(tmp_path: Path) -> None:
    target = tmp_path / "out.txt"
    target.write_text("earlier")
    with pytest.raises(RuntimeError), replacing(target) as temporary:
        temporary.write_text("broken")
        raise RuntimeError
    assert target.read_text() == "earlier"
    assert list(tmp_path.iterdir()) == [target]


def test_a_full_disk_leaves_the_earlier_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    target = tmp_path / "out.txt"
    target.write_text("earlier")
    monkeypatch.setattr(files, "_fsync", full)
    with pytest.raises(OSError, match="No space left"), replacing(target) as temporary:
        temporary.write_text("new")
    assert target.read_text() == "earlier"
    assert list(tmp_path.iterdir()) == [target]

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from stages.work.files import DiskFullError, replacing, tried


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


def test_a_full_disk_leaves_the_earlier_file_and_is_named(tmp_path: Path) -> None:
    target = tmp_path / "out.txt"
    target.write_text("earlier")
    full = Path("/dev/full")
    with pytest.raises(DiskFullError) as caught, replacing(target), full.open("w") as file:
        file.write("new")
    assert caught.value.filename == str(target)
    assert caught.value.free is not None
    assert target.read_text() == "earlier"
    assert list(tmp_path.iterdir()) == [target]


def test_what_cannot_have_room_is_not_begun(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "out.txt"
    with pytest.raises(DiskFullError) as caught, replacing(target, needed=10**18):
        pytest.fail("begun")
    assert (caught.value.filename, caught.value.needed) == (str(target), 10**18)


def test_a_full_disk_met_by_what_is_within_keeps_its_own_name(tmp_path: Path) -> None:
    within = tmp_path / "within.txt"
    with pytest.raises(DiskFullError) as caught, replacing(tmp_path / "out.txt"):
        raise DiskFullError(within)
    assert caught.value.filename == str(within)


PROGRAM = """
import os, signal
from pathlib import Path
from stages.work.files import replacing
with replacing(Path("out.txt")) as temporary:
    temporary.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_writer_left_goes_with_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    subprocess.run([sys.executable, "-c", PROGRAM], check=False)
    assert [path.suffix for path in tmp_path.iterdir()] == [".part"]
    target = Path("out.txt")
    with replacing(target) as one, replacing(target) as other:
        one.write_text("one")
        other.write_text("other")
        assert len(list(tmp_path.iterdir())) == 2, "a living writer's stays"
    assert [path.name for path in tmp_path.iterdir()] == ["out.txt"]


def test_another_programs_files_stay(tmp_path: Path) -> None:
    theirs = [tmp_path / name for name in (".download.part", ".film.mkv.k2_9xa01.part")]
    for path in theirs:
        path.write_text("half of a film")
    with replacing(tmp_path / "out.txt") as temporary:
        temporary.write_text("whole")
    assert all(path.exists() for path in theirs)


def test_what_a_write_is_refused_by_is_said_of_the_file_itself(tmp_path: Path) -> None:
    target = tmp_path / "out.txt"
    with pytest.raises(OSError, match="too large") as caught, replacing(target):
        raise OSError(errno.EFBIG, "File too large")  # as file.write() does, without a name
    assert caught.value.filename == str(target)
    target.mkdir()
    with pytest.raises(IsADirectoryError) as refused, replacing(target) as temporary:
        temporary.write_text("new")
    assert refused.value.filename == str(target)
    assert refused.value.filename2 is None
    with pytest.raises(OSError, match=r"^what HDF5 says$"), replacing(tmp_path / "other.h5"):
        raise OSError("what HDF5 says")


def test_of_a_place_it_is_known_beforehand_that_it_cannot_be_written(tmp_path: Path) -> None:
    tried(tmp_path / "out.txt")
    assert not list(tmp_path.iterdir())
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "folder", tmp_path / ("long" * 62)):
        with pytest.raises(OSError, match=r"directory|too long") as caught:
            tried(path)
        assert caught.value.filename == str(path)


@pytest.mark.parametrize(("umask", "mode"), [(0o077, 0o600), (0o002, 0o664), (0o022, 0o644)])
def test_a_file_is_for_those_whom_the_umask_lets_in(tmp_path: Path, umask: int, mode: int) -> None:
    program = (
        f"import os; os.umask({umask})\nfrom pathlib import Path\n"
        "from stages.work.files import replacing\n"
        "with replacing(Path('out.txt')) as temporary: temporary.write_text('mine')\n"
        f"assert os.umask(0) == {umask}"
    )
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True)
    assert (tmp_path / "out.txt").stat().st_mode & 0o777 == mode

"""Folders for the time of a task."""

import subprocess
import sys
from pathlib import Path

import pytest

from stages.work.scratch import scratch

KILLED = """
import os, signal
from pathlib import Path
from stages.work.scratch import scratch
with scratch(Path("."), "frames") as folder:
    (folder / "frames.h5").write_text("large")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_folder_goes_at_the_end_however_that_comes(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), scratch(tmp_path / "new", "frames") as folder:
        (folder / "frames.h5").write_text("large")
        raise RuntimeError
    assert not list((tmp_path / "new").iterdir())


def test_what_a_killed_process_left_goes_with_the_next_and_a_living_ones_stays(
    tmp_path: Path,
) -> None:
    subprocess.run([sys.executable, "-c", KILLED], cwd=tmp_path, check=False)
    assert len(list(tmp_path.glob(".frames.*/files/frames.h5"))) == 1
    with scratch(tmp_path, "frames") as one, scratch(tmp_path, "frames") as other:
        assert one.is_dir()
        assert other.is_dir()
        assert len(list(tmp_path.iterdir())) == 2
    assert not list(tmp_path.iterdir())

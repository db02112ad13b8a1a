"""An HDF5 file that the disk has no room for ends in an error, not in the end of the process."""

import errno
import io
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from stages.artifacts import hdf5
from stages.errors import UserError
from stages.work import files
from stages.work.files import DiskFullError

SIZE = 200_000


class Disk(io.BytesIO):
    """A file on a disk with room for so many bytes; what fits of a write is written."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self.room = room

    def write(self, data: Any) -> int:
        fits = self.room - self.tell()
        if fits <= 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(memoryview(data)[:fits])

    def truncate(self, size: int | None = None) -> int:
        if size is not None and size > self.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().truncate(size)


def fill(file: h5py.File) -> None:
    rng = np.random.default_rng(0)
    for number in range(3):
        group = file.create_group(f"video_{number}")
        jpegs = group.create_dataset("jpeg", shape=(5,), dtype=h5py.vlen_dtype(np.uint8))
        for index in range(5):
            jpegs[index] = rng.integers(0, 255, 5000, dtype=np.uint8)
        group["x"] = rng.normal(size=(100, 100)).astype(np.float32)
        group["reply"] = "said"


def test_what_is_written_is_read(tmp_path: Path) -> None:
    for place in (tmp_path / "a.h5", tmp_path / "b.h5"):
        with hdf5.writing(place) as file:
            fill(file)
    with h5py.File(tmp_path / "a.h5") as found, h5py.File(tmp_path / "plain.h5", "w") as plain:
        fill(plain)
        assert list(found) == list(plain)
        np.testing.assert_array_equal(found["video_2/x"], plain["video_2/x"])
        np.testing.assert_array_equal(found["video_1/jpeg"][4], plain["video_1/jpeg"][4])
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


@pytest.mark.parametrize("room", [0, 1, 100, 2048, 10_000, 60_000, 120_000, SIZE - 1000])
def test_a_full_disk_at_any_point_is_told_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    disk = Disk(room)
    monkeypatch.setattr(Path, "open", lambda *_, **__: disk)
    with pytest.raises(DiskFullError) as caught, hdf5.writing(tmp_path / "a.h5") as file:
        fill(file)
    assert caught.value.filename == str(tmp_path / "a.h5")
    assert not list(tmp_path.iterdir())


def test_an_interruption_within_a_write_ends_the_work_at_the_next_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stopped(Disk):
        def write(self, data: Any) -> int:
            if self.tell() > 20_000:
                raise KeyboardInterrupt
            return super().write(data)

    disk, begun = Stopped(10**9), 0
    monkeypatch.setattr(Path, "open", lambda *_, **__: disk)
    with pytest.raises(KeyboardInterrupt), hdf5.writing(tmp_path / "a.h5") as file:
        for number in range(1000):
            file.create_group(str(number))["x"] = np.zeros(1000)
            begun += 1
    assert 1 < begun < 100
    assert not list(tmp_path.iterdir())


def test_a_mistake_within_is_not_taken_for_a_full_disk(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), hdf5.writing(tmp_path / "a.h5") as file:
        file.create_group(str(1 // 0))
    assert not list(files.left_behind(tmp_path))


def test_of_a_file_of_many_groups_little_is_kept_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "many.h5"
    with hdf5.writing(path) as file:
        for number in range(1500):
            file.create_group(f"video_{number}")["picks"] = [0, 15]
    with hdf5.reading(path, "") as file:
        for group in hdf5.groups(path, file):
            group.numbers("picks", (2,))
        _, _, kept, _ = file.id.get_mdc_size()
        assert kept < 2**18


@pytest.mark.parametrize("part", [b"TREE", b"SNOD", b"HEAP"])
def test_damage_to_a_files_own_directory_is_one_message(tmp_path: Path, part: bytes) -> None:
    """Of which h5py makes a RuntimeError or a KeyError."""
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        fill(file)
    path.write_bytes(path.read_bytes().replace(part, bytes(4)))
    said = r"a\.h5 is (damaged|not a readable HDF5 file) \(.*\); run again"
    with pytest.raises(UserError, match=said), hdf5.reading(path, "run again") as found:
        for name in found:
            found[name]["x"][()]


def test_what_is_no_complaint_of_hdf5s_is_let_through(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        fill(file)
    with pytest.raises(RuntimeError, match="of a model"), hdf5.reading(path, "run again"):
        raise RuntimeError("of a model (that stands in the block)")

import io
import tarfile
import zipfile
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from stages.errors import UserError
from stages.sources.archives import unpack
from stages.sources.places import opened
from stages.work.files import DiskFullError


def tar(path: Path, members: dict[str, bytes], link: tuple[str, str] | None = None) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        if link:
            info = tarfile.TarInfo(link[0])
            info.type, info.linkname = tarfile.SYMTYPE, link[1]
            archive.addfile(info)
    return path


def zipped(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize(("make", "name"), [(tar, "a.tgz"), (zipped, "a.zip")])
def test_members_come_out(tmp_path: Path, make: object, name: str) -> None:
    archive = make(tmp_path / name, {"in/one.txt": b"1", "two.txt": b"2"})  # type: ignore[operator]
    unpack(archive, tmp_path / "out")
    assert (tmp_path / "out/in/one.txt").read_bytes() == b"1"
    assert (tmp_path / "out/two.txt").read_bytes() == b"2"


@pytest.mark.parametrize("name", ["../escaped.txt", "/tmp/escaped.txt", "in/../../escaped.txt"])
@pytest.mark.parametrize(("make", "file"), [(tar, "a.tgz"), (zipped, "a.zip")])
def test_no_path_escapes(tmp_path: Path, make: object, file: str, name: str) -> None:
    archive = make(tmp_path / file, {"ok.txt": b"", name: b"x"})  # type: ignore[operator]
    out = tmp_path / "out"
    # An absolute name may be refused, or taken as one inside the folder.
    with suppress(UserError):
        unpack(archive, out)
    outside = [path for path in tmp_path.rglob("escaped.txt") if not path.is_relative_to(out)]
    assert outside == []
    assert not Path("/tmp/escaped.txt").exists()


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    archive = tar(tmp_path / "a.tgz", {}, link=("way", "../.."))
    with pytest.raises(UserError, match="leave the folder"):
        unpack(archive, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("make", "name"), [(tar, "a.tgz"), (zipped, "a.zip")])
def test_a_truncated_archive_is_named_and_leaves_nothing(
    tmp_path: Path, make: object, name: str
) -> None:
    archive = make(tmp_path / name, {"one.txt": bytes(range(256)) * 400})  # type: ignore[operator]
    archive.write_bytes(archive.read_bytes()[:-200])
    with pytest.raises(UserError, match=name):
        unpack(archive, tmp_path / "out")
    assert list(tmp_path.iterdir()) == [archive]


def test_what_the_disk_has_no_room_for_is_not_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = zipped(tmp_path / "a.zip", {"one.txt": bytes(1000), "two.txt": bytes(500)})
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1200))
    with pytest.raises(DiskFullError) as caught:
        unpack(archive, tmp_path / "out")
    assert (caught.value.needed, caught.value.free) == (1500, 1200)
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


def test_a_zip_that_python_cannot_unpack_says_to_unpack_it(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("a.txt", "A" * 100)
    content = bytearray(path.read_bytes())
    central = content.index(b"PK\x01\x02")
    content[8], content[central + 10] = 9, 9  # Deflate64, as Explorer has it above 2 GB
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"a\.zip: .*unpack it yourself"):
        unpack(path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_flipped_bit_of_a_tar_is_found_though_its_members_come_out(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).bytes(100_000)  # which deflate stores as it is
    archive = tar(tmp_path / "a.tgz", {"one.bin": noise})
    content = bytearray(archive.read_bytes())
    content[len(content) // 2] ^= 1
    archive.write_bytes(bytes(content))
    with pytest.raises(UserError, match=r"a\.tgz is damaged .*; delete it and run again"):
        unpack(archive, tmp_path / "out")
    assert list(tmp_path.iterdir()) == [archive]


def test_a_damaged_archive_within_another_says_which_file_to_replace(tmp_path: Path) -> None:
    inside = zipped(tmp_path / "b.zip", {"one.txt": b"1" * 1000}).read_bytes()[:-30]
    archive = tar(tmp_path / "a.tgz", {"in/b.zip": inside})
    said = rf"in/b\.zip is damaged .*it came in {archive}: name another as download\.source"
    with (
        pytest.raises(UserError, match=said),
        opened("https://example.org/a.tgz", str(archive), tmp_path / "work", (".zip",)),
    ):
        pass

"""SumMe's ground truth out of its archive: little is fetched, once, and no video with it."""

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from ranged_server import Server, serving

from stages.errors import UserError
from stages.sources import ground_truth, ranges
from stages.sources.ranges import NoRangesError, RemoteFile

GT = {f"{name}.mat": np.random.default_rng(n).bytes(3000) for n, name in enumerate("abcde")}
VIDEO = np.random.default_rng(9).bytes(1_500_000)


def archive(folder: str) -> bytes:
    """An archive laid out as SumMe.zip: large videos before and after small .mat files."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("SumMe/matlab/model.mat", b"not a ground truth")
        file.writestr("SumMe/videos/a.mp4", VIDEO)
        for name, content in GT.items():
            file.writestr(f"{folder}{name}", content)
            file.writestr(f"__MACOSX/{folder}._{name}", b"Finder")
            file.writestr(f"{folder}._{name}", b"Finder")
        file.writestr("SumMe/videos/b.mp4", VIDEO)
    return stream.getvalue()


@pytest.fixture
def server() -> Iterator[Server]:
    with serving({"/SumMe.zip": archive("SumMe/GT/")}) as served:
        yield served


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RemoteFile.__init__, "__defaults__", (1 << 13, 0.0))


def taken(server: Server, work: Path, source: Path | None = None) -> dict[str, bytes]:
    with ground_truth.folder(server.url("/SumMe.zip"), source and str(source), work) as folder:
        return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("folder", ["SumMe/GT/", "GT/"])
def test_only_the_ground_truth_is_fetched_and_a_second_run_is_offline(
    server: Server, tmp_path: Path, folder: str
) -> None:
    content = archive(folder)
    server.files["/SumMe.zip"] = content
    assert taken(server, tmp_path) == GT
    sent = sum(count for _, _, count in server.sent)
    assert sent < len(content) / 20
    # The videos lie in the middle of each half: no byte there is asked for.
    middles = (len(content) // 4, 3 * len(content) // 4)
    for _, start, count in server.sent:
        assert not any(start <= middle < start + count for middle in middles)
    server.sent.clear()
    server.files.clear()
    assert taken(server, tmp_path) == GT
    assert server.sent == []
    assert {path.name for path in tmp_path.iterdir()} == {"SumMe-GT", "SumMe.zip.url"}


def test_a_server_without_ranges_is_asked_for_the_whole_with_a_word(
    server: Server, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server.ranges = False
    with caplog.at_level("WARNING", "llmvs"):
        assert taken(server, tmp_path) == GT
    assert [record.message for record in caplog.records] == [
        f"{server.url('/SumMe.zip')}: the server sends no parts of files; fetching the whole "
        "archive for its ground truth"
    ]
    server.sent.clear()
    assert taken(server, tmp_path) == GT
    assert server.sent == []


def test_an_archive_that_is_here_already_is_read(server: Server, tmp_path: Path) -> None:
    (tmp_path / "SumMe.zip").write_bytes(server.files["/SumMe.zip"])
    assert taken(server, tmp_path) == GT
    assert server.sent == []


def test_an_archive_at_hand_is_read_and_nothing_stays(server: Server, tmp_path: Path) -> None:
    (tmp_path / "mine.zip").write_bytes(server.files["/SumMe.zip"])
    assert taken(server, tmp_path / "work", tmp_path / "mine.zip") == GT
    assert server.sent == []
    assert list((tmp_path / "work").iterdir()) == []


@pytest.mark.parametrize("home", ["SumMe/GT", "GT", "."])
def test_a_folder_at_hand_may_be_the_folder_gt_itself(
    server: Server, tmp_path: Path, home: str
) -> None:
    folder = tmp_path / "hand" / home
    folder.mkdir(parents=True)
    for name, content in GT.items():
        (folder / name).write_bytes(content)
    assert taken(server, tmp_path / "work", tmp_path / "hand") == GT
    assert taken(server, tmp_path / "work", folder) == GT
    assert not (tmp_path / "work").exists()


def test_failures_of_the_server_are_waited_out(server: Server, tmp_path: Path) -> None:
    server.failures = [503, 500]
    assert taken(server, tmp_path) == GT


def test_what_cannot_be_had_is_said(server: Server, tmp_path: Path) -> None:
    server.failures = [503] * ranges.PATIENCE
    with pytest.raises(
        UserError, match=r"SumMe\.zip: no answer in 6 tries .*503.*download\.source"
    ):
        taken(server, tmp_path)
    with pytest.raises(UserError, match="404"), RemoteFile(server.url("/other.zip")):
        pass
    server.files["/SumMe.zip"] = b"PK\x03\x04" + VIDEO
    with pytest.raises(UserError, match=r"SumMe\.zip is damaged or not a \.zip"):
        taken(server, tmp_path)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file:
        file.writestr("readme.txt", "no truth")
    server.files["/SumMe.zip"] = stream.getvalue()
    with pytest.raises(UserError, match=r"SumMe\.zip holds no GT/\*\.mat; is it SumMe\?"):
        taken(server, tmp_path)


def test_a_remote_file_reads_as_a_local_one(server: Server) -> None:
    content = server.files["/SumMe.zip"]
    random = np.random.default_rng(0)
    with RemoteFile(server.url("/SumMe.zip"), block=5000) as remote:
        assert remote.size == len(content)
        with io.BufferedReader(remote) as file:
            for _ in range(50):
                start, count = random.integers(len(content)), random.integers(20_000)
                file.seek(start)
                assert file.read(count) == content[start : start + count]
            file.seek(-10, io.SEEK_END)
            assert file.read() == content[-10:]
            assert file.read(5) == b""
            with pytest.raises(OSError, match="before the beginning"):
                file.seek(-len(content) - 1, io.SEEK_END)


def test_a_file_that_changes_meanwhile_is_not_mixed(server: Server) -> None:
    with RemoteFile(server.url("/SumMe.zip")) as remote:
        server.etag = '"two"'
        remote.seek(100_000)
        with pytest.raises(UserError, match="changed while it was read"):
            remote.read(10)
    server.ranges = False
    with pytest.raises(NoRangesError), RemoteFile(server.url("/SumMe.zip")):
        pass


def test_a_damaged_member_is_one_message(server: Server, tmp_path: Path) -> None:
    content = bytearray(archive("SumMe/GT/"))
    for name in GT:  # whose bytes deflate stores nearly as they are
        start = content.index(f"SumMe/GT/{name}".encode()) + 200
        content[start : start + 40] = bytes(40)
    path = tmp_path / "SumMe.zip"
    path.write_bytes(bytes(content))
    with pytest.raises(UserError, match=r"SumMe\.zip is damaged .*download\.source"):
        taken(server, tmp_path / "work", path)

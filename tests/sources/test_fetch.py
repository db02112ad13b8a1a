"""Downloads against a server on this machine that misbehaves in each of the known ways."""

import hashlib
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import SimpleNamespace

import numpy as np
import pytest

from stages.errors import UserError
from stages.sources import fetch as module
from stages.sources.fetch import Remote, fetch
from stages.work.files import DiskFullError

CONTENT = b"PK\x03\x04" + np.random.default_rng(0).bytes(400_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Server(ThreadingHTTPServer):
    """Serves CONTENT; the attributes say how badly."""

    content = CONTENT
    etag = '"one"'
    drop_after: list[int]  # bytes after which each coming answer breaks off
    ranges = True
    status = 200
    content_type = "application/zip"
    asked: list[str | None]


class Handler(BaseHTTPRequestHandler):
    server: Server

    def log_message(self, format: str, *args: object) -> None: ...

    def do_GET(self) -> None:
        served, wanted = self.server, self.headers.get("Range")
        served.asked.append(wanted)
        start = 0
        if served.status != 200:
            self.send_response(served.status)
        elif served.ranges and wanted and self.headers.get("If-Range") == served.etag:
            match = re.fullmatch(r"bytes=(\d+)-", wanted)
            assert match
            start = int(match[1])
            self.send_response(206)
            end = len(served.content)
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{end}")
        else:
            self.send_response(200)
        body = served.content[start:]
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Type", served.content_type)
        self.send_header("ETag", served.etag)
        self.end_headers()
        if served.drop_after:
            body = body[: served.drop_after.pop(0)]
        self.wfile.write(body)


@pytest.fixture
def server() -> Iterator[Server]:
    served = Server(("127.0.0.1", 0), Handler)
    served.asked, served.drop_after = [], []
    thread = Thread(target=served.serve_forever, daemon=True)
    thread.start()
    yield served
    served.shutdown()
    served.server_close()


def remote(server: Server, sha256: str | None = SHA256) -> Remote:
    return Remote(f"http://127.0.0.1:{server.server_port}/data.zip", sha256)


def test_a_dropped_connection_is_resumed(server: Server, tmp_path: Path) -> None:
    server.drop_after = [100_000, 50_000]
    path = fetch(remote(server), tmp_path, pause=0)
    assert path.read_bytes() == CONTENT
    assert server.asked == [None, "bytes=100000-", "bytes=150000-"]
    assert {each.name for each in tmp_path.iterdir()} == {path.name, f"{path.name}.url"}


def test_a_later_run_goes_on_where_an_earlier_one_gave_up(server: Server, tmp_path: Path) -> None:
    server.drop_after = [100_000] + [0] * module.PATIENCE
    with pytest.raises(UserError, match="100000 bytes are kept"):
        fetch(remote(server), tmp_path, pause=0)
    server.drop_after, server.asked = [], []
    assert fetch(remote(server), tmp_path, pause=0).read_bytes() == CONTENT
    assert server.asked == ["bytes=100000-"]


def test_a_disk_without_room_for_the_rest_is_known_before_it_is_full(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.drop_after = [100_000] + [0] * module.PATIENCE
    with pytest.raises(UserError):
        fetch(remote(server), tmp_path, pause=0)
    server.drop_after = []
    with monkeypatch.context() as small:
        small.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=50_000))
        with pytest.raises(DiskFullError) as caught:
            fetch(remote(server), tmp_path, pause=0)
    assert caught.value.filename == str(tmp_path / "data.zip.part")
    assert (caught.value.needed, caught.value.free) == (len(CONTENT) - 100_000, 50_000)
    assert fetch(remote(server), tmp_path, pause=0).read_bytes() == CONTENT
    assert server.asked[-1] == "bytes=100000-", "what had come was kept"


def test_a_server_that_ignores_ranges_and_drops_is_given_up(server: Server, tmp_path: Path) -> None:
    """Each try begins anew, and one that gets further than the last is no progress by that."""
    server.drop_after = [90_000, *[10_000, 50_000] * module.PATIENCE]
    server.ranges = False
    with pytest.raises(UserError, match="no progress in"):
        fetch(remote(server), tmp_path, pause=0)
    assert len(server.asked) == 1 + module.PATIENCE


def test_a_server_that_ignores_ranges_is_read_from_the_start(
    server: Server, tmp_path: Path
) -> None:
    server.drop_after, server.ranges = [100_000], False
    assert fetch(remote(server), tmp_path, pause=0).read_bytes() == CONTENT


def test_a_file_that_changed_meanwhile_is_not_glued_to_the_old_part(
    server: Server, tmp_path: Path
) -> None:
    server.drop_after = [100_000] + [0] * module.PATIENCE
    with pytest.raises(UserError):
        fetch(remote(server, None), tmp_path, pause=0)
    server.drop_after, server.etag, server.content = [], '"two"', CONTENT[:4] + CONTENT[:100:-1]
    assert fetch(remote(server, None), tmp_path, pause=0).read_bytes() == server.content


def test_a_wrong_checksum_is_refused_and_dropped(server: Server, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="sha256 is"):
        fetch(remote(server, "0" * 64), tmp_path, pause=0)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_checksum_is_recorded_and_held_to(server: Server, tmp_path: Path) -> None:
    path = fetch(remote(server, None), tmp_path, pause=0)
    assert (tmp_path / "data.zip.sha256").read_text().startswith(SHA256)
    path.write_bytes(b"PK\x03\x04 damaged on disk")
    assert fetch(remote(server, None), tmp_path, pause=0).read_bytes() == CONTENT


def test_what_is_here_is_not_fetched_again(server: Server, tmp_path: Path) -> None:
    fetch(remote(server), tmp_path, pause=0)
    server.asked = []
    fetch(remote(server), tmp_path, pause=0)
    assert server.asked == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"status": 404}, "404"),
        ({"content_type": "text/html; charset=utf-8"}, "a web page"),
        ({"content": b"<!doctype html> moved"}, r"not a \.zip file"),
    ],
)
def test_an_error_page_is_no_file(
    server: Server, tmp_path: Path, change: dict[str, object], message: str
) -> None:
    for name, value in change.items():
        setattr(server, name, value)
    with pytest.raises(UserError, match=message):
        fetch(remote(server), tmp_path, pause=0)
    assert len(server.asked) == 1
    assert not (tmp_path / "data.zip").exists()


def test_a_passing_fault_of_the_server_is_waited_out(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.status = 503
    monkeypatch.setattr(module.time, "sleep", lambda seconds: setattr(server, "status", 200))
    assert fetch(remote(server), tmp_path).read_bytes() == CONTENT


def test_files_of_one_name_from_two_addresses_are_two(server: Server, tmp_path: Path) -> None:
    first, second = remote(server, None), Remote(f"{remote(server).url}?of=another")
    path = fetch(first, tmp_path, pause=0)
    server.content, server.etag = CONTENT[:-1], '"two"'
    other = fetch(second, tmp_path, pause=0)
    assert (path.name, other.name) == ("data.zip", "data.zip")
    assert path.read_bytes() == CONTENT
    assert other.read_bytes() == CONTENT[:-1]
    server.asked = []
    assert [fetch(each, tmp_path, pause=0) for each in (first, second)] == [path, other]
    assert [module.fetched(each, tmp_path) for each in (first, second)] == [path, other]
    assert server.asked == []


def test_a_mirror_of_a_file_whose_checksum_is_known_is_not_asked(
    server: Server, tmp_path: Path
) -> None:
    path = fetch(remote(server), tmp_path, pause=0)
    server.asked = []
    assert fetch(Remote(f"{remote(server).url}?mirror", SHA256), tmp_path, pause=0) == path
    assert server.asked == []


def test_the_second_of_two_at_once_takes_what_the_first_fetched(
    server: Server, tmp_path: Path
) -> None:
    with ThreadPoolExecutor(2) as both:
        found = list(both.map(lambda _: fetch(remote(server), tmp_path), range(2)))
    assert found[0] == found[1]
    assert found[0].read_bytes() == CONTENT
    assert server.asked == [None]


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://example.org/record/1/files/SumMe.zip?download=1", "SumMe.zip"),
        ("https://example.org/a%20b.h5#top", "a b.h5"),
    ],
)
def test_a_file_is_called_as_the_address_calls_it(url: str, name: str) -> None:
    assert Remote(url).name == name
    with pytest.raises(UserError, match="names no file"):
        _ = Remote("https://example.org/").name


def test_a_note_of_the_checksum_that_was_never_finished_is_none(
    server: Server, tmp_path: Path
) -> None:
    target = fetch(remote(server, None), tmp_path, pause=0)
    target.with_name(f"{target.name}.sha256").write_bytes(b"")
    assert fetch(remote(server, None), tmp_path, pause=0) == target
    assert len(server.asked) == 1


def test_a_file_that_has_moved_is_put_where_it_is_looked_for(
    server: Server, tmp_path: Path
) -> None:
    server.status = 404
    with pytest.raises(UserError, match=r"fetch it by hand and put it there"):
        fetch(replace(remote(server), by_hand="put it there"), tmp_path, pause=0)

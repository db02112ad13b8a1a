"""Large files over HTTP: resumed, retried, checked, and only then given their name."""

import hashlib
import json
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

import requests
import urllib3
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from stages.errors import UserError
from stages.work.cache import alone
from stages.work.files import explained, is_full, make_room
from stages.work.store import content_hash

log = logging.getLogger("llmvs")

CHUNK = 1 << 20
TIMEOUT = (20, 60)  # seconds to connect, seconds of silence
PATIENCE = 6  # fruitless attempts in a row before giving up

MAGIC = {
    ".zip": (b"PK\x03\x04",),
    ".tgz": (b"\x1f\x8b",),
    ".gz": (b"\x1f\x8b",),
    # a MATLAB 7.3 file starts with MATLAB's own 512 bytes, an HDF5 file with its signature
    ".mat": (b"MATLAB", b"\x89HDF"),
    ".h5": (b"\x89HDF",),
}
"""How a file of each ending begins; an error page does not."""


BY_HAND = "name it as download.source in params.yaml"


class _NotServedError(UserError):
    """The server answered, and the answer is final: trying again will not help."""


@dataclass(frozen=True)
class Remote:
    """A file elsewhere, with what is known of it before it is here.

    by_hand: what to do with it where it has to be fetched otherwise.
    """

    url: str
    sha256: str | None = None
    by_hand: str = BY_HAND

    @property
    def name(self) -> str:
        """Of the file. Raises UserError where the address names none."""
        name = unquote(PurePosixPath(urlsplit(self.url).path).name)
        if not name or "/" in name:
            raise UserError(f"{self.url}: names no file; end the address with the file's name")
        return name


class _Part:
    """The bytes so far, and the validator that says they are of the file now served."""

    def __init__(self, target: Path) -> None:
        self.path = target.with_name(f"{target.name}.part")
        self._note = target.with_name(f"{target.name}.part.json")

    @property
    def size(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0

    @property
    def validator(self) -> str | None:
        try:
            note = json.loads(self._note.read_text(encoding="utf-8"))
        except (FileNotFoundError, json.JSONDecodeError):
            return None
        value = note.get("validator")
        return value if isinstance(value, str) else None

    def begin(self, response: requests.Response) -> None:
        """Start from nothing, noting which version of the file this is."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_bytes(b"")
        etag = response.headers.get("ETag", "")
        strong = etag if etag and not etag.startswith("W/") else None
        validator = strong or response.headers.get("Last-Modified")
        self._note.write_text(json.dumps({"validator": validator}), encoding="utf-8")

    def discard(self) -> None:
        for path in (self.path, self._note):
            with suppress(FileNotFoundError):
                path.unlink()

    def become(self, target: Path) -> None:
        self.path.replace(target)
        with suppress(FileNotFoundError):
            self._note.unlink()


def _total(response: requests.Response, start: int) -> int | None:
    """Bytes of the whole file, where the server says."""
    if response.status_code == 206:
        whole = response.headers.get("Content-Range", "").rpartition("/")[2]
        return int(whole) if whole.isdigit() else None
    length = response.headers.get("Content-Length", "")
    return start + int(length) if length.isdigit() else None


def refuse_error_pages(response: requests.Response, url: str, by_hand: str = BY_HAND) -> None:
    """Raises requests.RequestException where trying again may help, UserError where it will not."""
    if response.status_code >= 500 or response.status_code in (408, 429):
        raise requests.ConnectionError(f"the server answered {response.status_code}")
    if response.status_code >= 400:
        raise _NotServedError(
            f"{url}: the server answered {response.status_code} {response.reason}. "
            f"If the file has moved, fetch it by hand and {by_hand}"
        )
    if response.headers.get("Content-Type", "").startswith("text/html"):
        raise _NotServedError(
            f"{url}: the server sent a web page, not the file. Open the address in a browser, "
            f"fetch the file by hand and {by_hand}"
        )


def _attempt(remote: Remote, part: _Part, show: Callable[[int, int | None], None]) -> None:
    """One request: go on from the bytes that are there, or start anew where that is refused.

    Raises requests.RequestException where trying again may help, UserError where it will not.
    """
    start = part.size
    headers = {"Accept-Encoding": "identity"}
    if start and part.validator:
        headers |= {"Range": f"bytes={start}-", "If-Range": part.validator}
    with requests.get(remote.url, headers=headers, stream=True, timeout=TIMEOUT) as response:
        if response.status_code == 416:
            # Nothing follows what is here: either it was all, or it was of another version.
            if response.headers.get("Content-Range", "").rpartition("/")[2] == str(start):
                return
            part.discard()
            raise requests.ConnectionError("the part on disk is not of the file now served")
        refuse_error_pages(response, remote.url, remote.by_hand)
        resumed = response.status_code == 206
        if resumed and not response.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
            part.discard()
            raise requests.ConnectionError("the server sent another range than the one asked for")
        if not resumed:
            if start:
                log.info("%s: the server does not resume; starting over", remote.name)
            part.begin(response)
            start = 0
        total = _total(response, start)
        show(start, total)
        needed = None if total is None else total - start
        with explained(part.path, needed), part.path.open("ab") as file:
            if needed is not None:
                make_room(part.path, needed)
            # read1 hands over what has come; iter_content would drop a chunk cut short.
            while chunk := response.raw.read1(CHUNK):
                file.write(chunk)
                show(file.tell(), total)
    if total is not None and part.size < total:
        raise requests.ConnectionError(f"the connection ended after {part.size} of {total} bytes")
    if total is not None and part.size > total:
        part.discard()
        raise requests.ConnectionError("more bytes came than the server had announced")


def _check(path: Path, remote: Remote, part: _Part) -> str:
    """sha256 of a finished part, or UserError where it is not the file that was wanted."""
    beginnings = MAGIC.get(Path(remote.name).suffix)
    with path.open("rb") as file:
        head = file.read(8)
    if beginnings and not head.startswith(beginnings):
        part.discard()
        raise UserError(
            f"{remote.url}: what came is not a {Path(remote.name).suffix} file (it begins with "
            f"{head!r}). Fetch it by hand and {remote.by_hand}"
        )
    found = content_hash(path)
    if remote.sha256 and found != remote.sha256:
        part.discard()
        raise UserError(
            f"{remote.url}: sha256 is {found}, expected {remote.sha256}. The download was "
            "damaged or the file has changed; it was dropped, run again to fetch it anew"
        )
    return found


def place(remote: Remote, folder: Path) -> Path:
    """Where a file is kept: in the folder under its own name, or, where that is another address's,
    in a folder of its own there. ``NAME.url`` says whose a name is.
    """
    plain = folder / remote.name
    try:
        whose = _whose(plain).read_text(encoding="utf-8")
    except FileNotFoundError:
        return plain
    if whose == remote.url or (
        remote.sha256 and plain.is_file() and content_hash(plain) == remote.sha256
    ):
        return plain
    return folder / hashlib.sha256(remote.url.encode()).hexdigest()[:12] / remote.name


def claim(remote: Remote, target: Path) -> None:
    """Note that what is kept at `place` is of this address, unless it is another's already."""
    if not _whose(target).exists():
        _whose(target).write_text(remote.url, encoding="utf-8")


def _whose(target: Path) -> Path:
    return target.with_name(f"{target.name}.url")


def fetched(remote: Remote, folder: Path) -> Path | None:
    """The file where an earlier `fetch` left it, whole; None where it is not, or is damaged."""
    target = place(remote, folder)
    if not target.is_file() or (remote.sha256 and content_hash(target) != remote.sha256):
        return None
    return target


def fetch(remote: Remote, folder: Path, pause: float = 1.0) -> Path:
    """The file at `remote`, in `folder` where `place` says; nothing is fetched twice.

    An interrupted download goes on from its last byte where the server can (HTTP ranges,
    guarded by the file's ETag or date), also in a later run. A file whose checksum is not known
    beforehand has it recorded beside it, in ``NAME.sha256``, and is held to it from then on.

    Args:
        remote: address and, where known, sha256.
        folder: kept across runs; never an output of the DAG.
        pause: seconds before the first retry; doubled after each fruitless one.

    Raises:
        UserError: not served, not the file that was wanted, or no progress in `PATIENCE` tries.
    """
    # Two experiments share the folder: the second finds what the first has fetched.
    with alone(str((folder / remote.name).resolve())):
        return _fetch(remote, folder, pause)


def _fetch(remote: Remote, folder: Path, pause: float) -> Path:
    target = place(remote, folder)
    record = target.with_name(f"{remote.name}.sha256")
    if target.exists():
        noted = record.read_text(encoding="utf-8").split() if record.exists() else []
        known = remote.sha256 or (noted[0] if noted else None)
        if known is None or content_hash(target) == known:
            log.info("%s is here already", remote.name)
            claim(remote, target)
            return target
        log.warning("%s is damaged (sha256 differs); fetching it anew", target)
        target.unlink()
    part, fruitless = _Part(target), 0
    best = part.size  # where nothing resumes each try begins at 0, and one further is progress
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(
        *columns, TransferSpeedColumn(), TimeRemainingColumn(), console=Console(stderr=True)
    ) as bar:
        row = bar.add_task(remote.name, total=None)
        while True:
            try:
                _attempt(remote, part, lambda done, of: bar.update(row, completed=done, total=of))
                break
            except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
                if is_full(error):
                    raise
                fruitless = 0 if part.size > best else fruitless + 1
                best = max(best, part.size)
                if fruitless >= PATIENCE:
                    raise UserError(
                        f"{remote.url}: no progress in {PATIENCE} tries ({error}). "
                        f"{part.size} bytes are kept and the next run goes on from there"
                    ) from error
                log.info("%s: %s; trying again", remote.name, error)
                time.sleep(pause * 2**fruitless if fruitless else 0)
    digest = _check(part.path, remote, part)
    part.become(target)
    claim(remote, target)
    if remote.sha256 is None:
        record.write_text(f"{digest}  {remote.name}\n", encoding="utf-8")
        log.info("%s: sha256 %s, recorded in %s", remote.name, digest, record)
    return target

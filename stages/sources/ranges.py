"""A file elsewhere read in places, by HTTP ranges: a few members out of a large archive."""

import io
import logging
import time
from typing import Any

import requests

from stages.errors import UserError
from stages.sources.fetch import BY_HAND, PATIENCE, TIMEOUT, refuse_error_pages

log = logging.getLogger("llmvs")

BLOCK = 1 << 18
"""Bytes asked for at once: a central directory and small members take a few requests."""


class NoRangesError(UserError):
    """The server sends whole files alone."""


class RemoteFile(io.RawIOBase):
    """A file at an address, readable anywhere; what was read once is kept while it is open.

    served: bytes the server has sent so far. Raises UserError where the server does not answer in
    `PATIENCE` tries or the file changes meanwhile, NoRangesError where it serves no ranges.
    """

    def __init__(self, url: str, block: int = BLOCK, pause: float = 1.0) -> None:
        super().__init__()
        self._url, self._size_of_block, self._pause = url, block, pause
        self._session = requests.Session()
        self._blocks: dict[int, bytes] = {}
        self._position, self.served = 0, 0
        self._version: tuple[int, str | None] | None = None
        self._block(0)

    @property
    def size(self) -> int:
        """Bytes of the whole file."""
        assert self._version is not None
        return self._version[0]

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size}[whence]
        if start + offset < 0:
            raise OSError("seek before the beginning of the file")
        self._position = start + offset
        return self._position

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        if self._position >= self.size or not len(view):
            return 0
        number, offset = divmod(self._position, self._size_of_block)
        piece = self._block(number)[offset : offset + len(view)]
        view[: len(piece)] = piece
        self._position += len(piece)
        return len(piece)

    def close(self) -> None:
        self._session.close()
        super().close()

    def _block(self, number: int) -> bytes:
        for fruitless in range(PATIENCE):
            if number in self._blocks:
                break
            try:
                self._blocks[number] = self._asked(number)
            except requests.RequestException as error:
                if fruitless == PATIENCE - 1:
                    raise UserError(
                        f"{self._url}: no answer in {PATIENCE} tries ({error}). Run again, or "
                        f"fetch the file by hand and {BY_HAND}"
                    ) from error
                log.info("%s: %s; trying again", self._url, error)
                time.sleep(self._pause * 2**fruitless)
        return self._blocks[number]

    def _asked(self, number: int) -> bytes:
        first = number * self._size_of_block
        last = first + self._size_of_block - 1
        headers = {"Accept-Encoding": "identity", "Range": f"bytes={first}-{last}"}
        with self._session.get(
            self._url, headers=headers, stream=True, timeout=TIMEOUT
        ) as response:
            refuse_error_pages(response, self._url)
            if response.status_code != 206:
                raise NoRangesError(f"{self._url}: the server sends no parts of files")
            span, _, whole = response.headers.get("Content-Range", "").rpartition("/")
            if not span.startswith(f"bytes {first}-") or not whole.isdigit():
                raise NoRangesError(f"{self._url}: the server sends other parts than asked for")
            self._unchanged(int(whole), response.headers.get("ETag"))
            content = response.content
        self.served += len(content)
        if len(content) != min(self._size_of_block, self.size - first):
            raise requests.ConnectionError("the connection ended early")
        return content

    def _unchanged(self, size: int, etag: str | None) -> None:
        if self._version is None:
            self._version = size, etag
        if self._version != (size, etag):
            raise UserError(f"{self._url}: the file changed while it was read; run again")

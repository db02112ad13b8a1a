"""A server on this machine that sends parts of files, and counts what it sends."""

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


class Server(ThreadingHTTPServer):
    """Serves `files` by path; the attributes say how badly."""

    daemon_threads = True
    files: dict[str, bytes]
    ranges = True
    etag = '"one"'
    failures: list[int]  # what the coming answers are instead
    sent: list[tuple[str, int, int]]  # path, first byte, bytes

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_port}{path}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def log_message(self, format: str, *args: object) -> None: ...

    def do_GET(self) -> None:
        served = self.server
        content, start = served.files.get(self.path), 0
        if content is None or served.failures:
            self.send_error(served.failures.pop(0) if served.failures else 404)
            return
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        whole = len(content)
        if asked and served.ranges:
            start, end = int(asked[1]), min(int(asked[2] or whole), whole - 1)
            content = content[start : end + 1]
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{end}/{whole}")
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("ETag", served.etag)
        self.end_headers()
        served.sent.append((self.path, start, len(content)))
        with suppress(ConnectionError):  # whoever asked for a part does not wait for the whole
            self.wfile.write(content)


@contextmanager
def serving(files: dict[str, bytes]) -> Iterator[Server]:
    served = Server(("127.0.0.1", 0), Handler)
    served.files, served.sent, served.failures = files, [], []
    Thread(target=served.serve_forever, args=(0.01,), daemon=True).start()
    yield served
    served.shutdown()
    served.server_close()

"""Fixtures that several folders' tests share."""

import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stages.work.store import Store


@pytest.fixture(scope="session")
def film_of_scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import five_scenes

    return five_scenes.made(tmp_path_factory.mktemp("films") / "five scenes.mp4")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "kept")


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A model hub that answers every request with `hub.answer` = (status, error code, document),
    and `hub.message` as what it says of an error.
    """
    from huggingface_hub import constants

    from stages.work import hub as models

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, code, document = server.answer
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("X-Error-Code", code)
            self.send_header("X-Error-Message", server.message)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        do_HEAD = do_GET

        def log_message(self, *_: Any) -> None:
            pass

    server: Any = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.message = ""
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(constants, "ENDPOINT", address)
    files = f"{address}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", files)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    # The library's own questions, about whoever calls it, would get the same answers.
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_TELEMETRY", True)
    models._from_hub.cache_clear()  # of the folders of another test
    yield server
    models._from_hub.cache_clear()
    server.shutdown()
    server.server_close()

"""Artifacts to report on, and the report made of them."""

from pathlib import Path

import pytest
from contests import set_up
from stage_outputs import build, make


@pytest.fixture
def artifacts(tmp_path: Path) -> Path:
    """The root of a repository whose stages have run, report excepted."""
    return make(tmp_path)


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As `artifacts`, with the report made. Shared: not to be changed."""
    root = make(tmp_path_factory.mktemp("built"))
    with pytest.MonkeyPatch.context() as monkeypatch:
        build(root, monkeypatch)
    return root


@pytest.fixture(scope="session")
def page(built: Path) -> str:
    return (built / "reports/index.html").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def video_pages(built: Path) -> dict[str, str]:
    """Each video's page by the video's name."""
    folder = built / "reports/videos/demo"
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted(folder.iterdir())}


@pytest.fixture(scope="session")
def contest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with the experiment `fallen`. Shared: not to be changed."""
    root = tmp_path_factory.mktemp("contest")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.chdir(root)
        set_up(root)
    return root

from pathlib import Path

import five_scenes
import pytest

from stages.work.store import Store


@pytest.fixture(scope="session")
def film_of_scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return five_scenes.made(tmp_path_factory.mktemp("films") / "five scenes.mp4")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "kept")

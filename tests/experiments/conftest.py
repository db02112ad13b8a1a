from pathlib import Path

import pytest
from laboratory import Laboratory


@pytest.fixture
def laboratory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Laboratory:
    """A measured repository, which is also the current folder."""
    monkeypatch.chdir(tmp_path)
    return Laboratory(tmp_path)

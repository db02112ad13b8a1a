from pathlib import Path

import pytest
from contests import set_up


@pytest.fixture(scope="session")
def contest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with the experiment `fallen`. Shared: not to be changed."""
    root = tmp_path_factory.mktemp("contest")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.chdir(root)
        set_up(root)
    return root

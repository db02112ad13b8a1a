from importlib import metadata, resources
from pathlib import Path

import numpy as np
import pytest

from stages.errors import UserError
from stages.sources import photographs


def test_every_photograph_lies_in_the_package_itself() -> None:
    """Not in a cache that a download filled: the wheel's own list of files names each."""
    files = metadata.files("scikit-image")
    if files is None:
        pytest.skip("scikit-image was not installed from a wheel")
    shipped = {file.name for file in files if file.parent.as_posix() == "skimage/data"}
    assert set(photographs.SUBJECTS.values()) <= shipped
    assert len(photographs.SUBJECTS) >= 8


@pytest.mark.parametrize("subject", photographs.SUBJECTS)
def test_a_photograph_is_in_colour_mode_and_has_something_in_it(subject: str) -> None:
    photo = photographs.photograph(subject)
    assert photo.mode == "RGB"
    assert 300 <= min(photo.size) <= max(photo.size) <= 900
    assert np.asarray(photo).std() > 10


def test_a_photograph_that_is_not_there_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    photographs.photograph.cache_clear()
    monkeypatch.setattr(resources, "files", lambda package: tmp_path)
    with pytest.raises(UserError, match=r"no readable photograph chelsea\.png"):
        photographs.photograph("cat")

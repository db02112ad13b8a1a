import pytest

from stages.sources.photographs import SUBJECTS
from stages.sources.settings import DemoDownload


@pytest.fixture(scope="session")
def settings() -> DemoDownload:
    """A demo of a few short and small videos."""
    return DemoDownload(
        kind="demo",
        seed=7,
        videos=5,
        subjects=tuple(sorted(SUBJECTS)),
        shots=(4, 6),
        shot_seconds=(0.8, 1.0),
        subjects_per_video=(3, 4),
        fps=30,
        size=(64, 48),
        users=6,
        rarity=0.9,
        noise=1.0,
    )

from pathlib import Path

import numpy as np
import pytest

from stages.artifacts.field import VideoAnnotations
from stages.media import video
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


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 frames, the first 16 dark, the rest bright, with a moving stripe."""
    images = []
    for number in range(40):
        image = np.full((48, 64, 3), 40 if number < 16 else 200, dtype=np.uint8)
        image[:, number : number + 8] = (250, 20, 20)
        images.append(image)
    path = tmp_path_factory.mktemp("clip") / "videos" / "clip.mp4"
    video.encode(path, images, 30, (64, 48))
    return path


@pytest.fixture
def annotated() -> VideoAnnotations:
    """Annotations of `clip`, without shots."""
    random = np.random.default_rng(0)
    return VideoAnnotations(
        name="video_1",
        video_name="clip",
        n_frames=40,
        picks_T=np.array([0, 15, 30]),
        gtscore_T=np.array([0, 0.5, 1], dtype=np.float32),
        user_summary_UN=random.integers(0, 2, (3, 40)).astype(np.float32),
        user_scores_UN=random.integers(1, 6, (3, 40)).astype(np.float32),
    )

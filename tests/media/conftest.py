from pathlib import Path

import numpy as np
import pytest

from stages.artifacts.video import Video
from stages.media import video


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
def known() -> Video:
    """What the timeline knows of `clip`: every fourth frame is picked; no shots."""
    return Video.sampled("video_1", "clip", 40, 25.0, every=4)

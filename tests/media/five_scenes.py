"""A little film of five scenes."""

from pathlib import Path

import numpy as np
import skimage.data
from PIL import Image

from stages.media import video

FPS = 30
SCENES = ("cat", "coffee", "rocket", "stereo_motorcycle", "cat")
"""Photographs, a scene each; the last is the first once more."""
LENGTHS = (75, 68, 90, 75, 60)
"""Frames of each."""


def made(path: Path) -> Path:
    """368 frames, each scene a slow move over a photograph."""
    images = []
    for name, length in zip(SCENES, LENGTHS, strict=True):
        loaded = getattr(skimage.data, name)()
        photo = Image.fromarray(loaded[0] if isinstance(loaded, tuple) else loaded)
        photo = photo.resize((200, 140))
        images += [
            np.asarray(photo.crop((step // 4, step // 6, step // 4 + 160, step // 6 + 120)))
            for step in range(length)
        ]
    video.encode(path, images, FPS, (160, 120))
    return path

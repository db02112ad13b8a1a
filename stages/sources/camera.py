"""A camera over a photograph: the demo's moves as frames.

Shapes: H, W height and width in pixels.
"""

from collections.abc import Iterator

import numpy as np
from PIL import Image

from stages.media.video import Pixels
from stages.sources.photographs import photograph
from stages.sources.screenplay import Move, Script, View

Box = tuple[float, float, float, float]


def crop(view: View, photo: tuple[int, int], frame: tuple[int, int]) -> Box:
    """The part of a photograph (left, top, right, bottom) that a view shows, of the frame's
    proportions. Sizes are (width, height) in pixels.
    """
    (photo_width, photo_height), (width, height) = photo, frame
    zoom = view.scale * min(photo_width / width, photo_height / height)
    left = view.x * (photo_width - width * zoom)
    top = view.y * (photo_height - height * zoom)
    return left, top, left + width * zoom, top + height * zoom


def _film(move: Move, frame: tuple[int, int]) -> Iterator[Pixels]:
    photo = photograph(move.subject)
    start, end = (np.array(crop(view, photo.size, frame)) for view in (move.start, move.end))
    for step in range(move.frames):
        share = step / move.frames
        box = ((1 - share) * start + share * end).tolist()
        yield np.asarray(photo.resize(frame, Image.Resampling.BILINEAR, box=tuple(box)))


def film(script: Script, frame: tuple[int, int]) -> Iterator[Pixels]:
    """The frames of a script, (H, W, 3) uint8 RGB of `frame` (width, height), one at a time."""
    for move in script.moves:
        yield from _film(move, frame)

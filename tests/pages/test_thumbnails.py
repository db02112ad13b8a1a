import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from stage_outputs import jpeg

from stages.errors import UserError
from stages.pages.thumbnails import WIDTH, Pictures, Thumbnails, evenly


@given(st.integers(1, 300), st.integers(1, 60))
def test_frames_are_picked_evenly_from_the_first_on(count: int, most: int) -> None:
    chosen = evenly(count, most)
    assert len(chosen) == min(count, most)
    assert chosen[0] == 0
    gaps = np.diff(np.append(chosen, count))
    assert gaps.min() >= 1
    assert gaps.max() - gaps.min() <= 1


def test_a_frame_without_a_thumbnail_is_stood_for_by_the_one_before_it() -> None:
    thumbnails = Thumbnails.of(7, lambda frame: jpeg(0, frame), 3, "x")
    expected = [
        max(k for k, frame in enumerate(thumbnails.frames_K) if frame <= t) for t in range(7)
    ]
    assert thumbnails.nearest(7).tolist() == expected


def test_a_thumbnail_keeps_the_shape_of_its_frame_at_a_fixed_width() -> None:
    tall = Thumbnails.of(1, lambda frame: jpeg(0, frame, (300, 600)), 3, "x")
    assert tall.size == (WIDTH, 2 * WIDTH)
    with Image.open(io.BytesIO(tall.images[0])) as image:
        assert image.size == tall.size


def test_a_frame_that_is_no_picture_is_named() -> None:
    with pytest.raises(UserError, match=r"demo\.h5: video_1: frame 0 .*sample stage"):
        Thumbnails.of(1, lambda frame: b"no picture", 3, "demo.h5: video_1")


def test_a_picture_that_recurs_is_on_the_page_once() -> None:
    pictures = Pictures()
    names = [pictures.name(image) for image in (b"a", b"b", b"a")]
    assert names[0] == names[2] != names[1]
    assert pictures.css().count("data:image/webp") == 2

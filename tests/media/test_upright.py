"""Frames are seen as a player shows them: turned, mirrored, of square pixels."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from stages.media import video

SIZE = (64, 48)  # width, height as coded


def corners() -> video.Pixels:
    """Red at the top left, green at the top right, blue at the bottom left, grey elsewhere."""
    image = np.full((SIZE[1], SIZE[0], 3), 90, dtype=np.uint8)
    image[:16, :16] = (230, 20, 20)
    image[:16, -16:] = (20, 230, 20)
    image[-16:, :16] = (20, 20, 230)
    return image


def film(path: Path, matrix: Sequence[int] | None = None, aspect: Fraction = Fraction(1)) -> Path:
    """Three equal frames, shown by a matrix [[a, b], [c, d]] of ones and noughts."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        stream.sample_aspect_ratio = aspect
        if matrix is not None:
            a, b, c, d = (one << 16 for one in matrix)
            stream.set_display_matrix([a, b, 0, c, d, 0, 0, 0, 1 << 30])
        for _ in range(3):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(corners(), format="rgb24")))
        container.mux(stream.encode(None))
    return path


def shown(path: Path) -> video.Pixels:
    return video.pixels(next(video.decode(path)))


@pytest.mark.parametrize(
    ("matrix", "turned"),
    [
        ((1, 0, 0, 1), lambda image: image),
        ((0, -1, 1, 0), lambda image: np.rot90(image, 1)),  # a quarter turn to the left
        ((-1, 0, 0, -1), lambda image: np.rot90(image, 2)),
        ((0, 1, -1, 0), lambda image: np.rot90(image, -1)),  # to the right: a phone held upright
        ((-1, 0, 0, 1), np.fliplr),
        ((1, 0, 0, -1), np.flipud),
        ((0, 1, 1, 0), lambda image: np.swapaxes(image, 0, 1)),
        ((0, -1, -1, 0), lambda image: np.rot90(np.swapaxes(image, 0, 1), 2)),
    ],
)
def test_frames_are_turned_and_mirrored_as_ffmpeg_does(
    tmp_path: Path, matrix: Sequence[int], turned: object
) -> None:
    """Each of the eight was found equal, pixel by pixel, to what `ffmpeg -i` writes."""
    found = shown(film(tmp_path / "turned.mp4", matrix))
    expected = turned(corners())  # type: ignore[operator]
    assert found.shape == expected.shape
    assert np.abs(found.astype(int) - expected).mean() < 8
    assert found.flags.c_contiguous


@pytest.mark.parametrize(
    ("aspect", "width"), [(Fraction(12, 11), 70), (Fraction(8, 9), 57), (Fraction(2), 128)]
)
def test_pixels_that_are_not_square_are_stretched_until_they_are(
    tmp_path: Path, aspect: Fraction, width: int
) -> None:
    found = shown(film(tmp_path / "wide.mp4", aspect=aspect))
    assert found.shape == (48, width, 3)
    assert found[8, round(width * 7 / 8)].argmax() == 1  # green is where it was


def test_a_film_lying_on_its_side_grows_in_height(tmp_path: Path) -> None:
    assert shown(film(tmp_path / "a.mp4", (0, 1, -1, 0), Fraction(2))).shape == (128, 48, 3)


@pytest.mark.parametrize("aspect", [Fraction(1), Fraction(1280, 1281)])
def test_pixels_all_but_square_are_left_as_they_are(tmp_path: Path, aspect: Fraction) -> None:
    assert shown(film(tmp_path / "a.mp4", aspect=aspect)).shape == (48, 64, 3)

"""Video files, read and written from the first frame to the last.

Never by seeking: timestamps of user videos (SumMe's among them) go backwards at places, and a seek
then lands elsewhere than a count would.

Shapes: H, W height and width in pixels.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import av.error
import numpy as np
import numpy.typing as npt

from stages.errors import UserError
from stages.work.files import replacing

Pixels = npt.NDArray[np.uint8]

SUFFIXES = (".mp4", ".webm")  # the demo's and TVSum's; SumMe has both

# The same images are to give the same bytes. More threads cut the work elsewhere. Without
# cpu-independent each kind of CPU rounds its own way in the macroblock tree, and with AVX-512 x264
# (core 165) even reads memory there that it never wrote: two runs on one machine then differ.
_X264 = {
    "preset": "veryfast",
    "crf": "20",
    "threads": "1",
    "x264-params": "cpu-independent=1",
}


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except av.error.FFmpegError as error:
        raise UserError(
            f"{path} cannot be decoded ({error.strerror or error}): it is truncated, damaged or "
            "not a video; delete it and fetch it anew"
        ) from error


def _open(path: Path) -> av.container.InputContainer:
    if not path.is_file():
        raise UserError(f"{path}: no such video; run the download stage again")
    with _explained(path):
        container = av.open(str(path))
    if not container.streams.video:
        container.close()
        raise UserError(f"{path} holds no video stream; delete it and fetch it anew")
    return container


def rate(path: Path) -> float:
    """Frames a second, on average. Raises UserError where the file is not a video."""
    with _open(path) as container:
        average = container.streams.video[0].average_rate
    if not average:
        raise UserError(f"{path} does not say how many frames a second it has; encode it anew")
    return float(average)


def decode(path: Path) -> Iterator[av.VideoFrame]:
    """Every frame of the first video stream in order, one at a time; `pixels` turns one to RGB.

    Raises UserError naming the file where it is missing, truncated, damaged or not a video.
    """
    with _open(path) as container, _explained(path):
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        for packet in container.demux(stream):
            # A frame cut short decodes without an error, its rest filled in by guesswork.
            if packet.is_corrupt:
                raise UserError(
                    f"{path} ends in the middle of a frame: it is truncated; delete it and fetch "
                    "it anew"
                )
            yield from packet.decode()


def count(path: Path) -> int:
    """Frames the video decodes to. Raises UserError as `decode` does."""
    return sum(1 for _ in decode(path))


def pixels(frame: av.VideoFrame) -> Pixels:
    """The frame as (H, W, 3) uint8 RGB."""
    return np.asarray(frame.to_ndarray(format="rgb24"), dtype=np.uint8)


def encode(path: Path, images: Iterable[Pixels], fps: int, size: tuple[int, int]) -> None:
    """Write (H, W, 3) uint8 RGB images as an H.264 MP4 of `size` (width, height), both even.

    The file appears whole or not at all; the same images give the same bytes.
    """
    with (
        replacing(path) as temporary,
        av.open(str(temporary), "w", format="mp4") as container,
    ):
        stream = container.add_stream("libx264", rate=fps, options=dict(_X264))
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.codec_context.thread_count = 1
        for image in images:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))

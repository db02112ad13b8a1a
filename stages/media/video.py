"""Video files, read and written from the first frame to the last.

Never by seeking: timestamps of user videos (SumMe's among them) go backwards at places, and a seek
then lands elsewhere than a count would.

Of several streams of pictures in a file the video is the one that `ffmpeg` takes by default: never
an attached picture such as a cover; of the others one whose disposition is default, then the one of
most pixels, then the first.

Shapes: H, W height and width in pixels.
"""

import math
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import av
import av.error
import numpy as np
import numpy.typing as npt
from av.format import Flags
from av.stream import Disposition
from av.video.stream import VideoStream

from stages.errors import UserError, anew
from stages.media.clock import LEAP, Joins, joins
from stages.work.files import replacing

Pixels = npt.NDArray[np.uint8]

# The demo's, TVSum's and SumMe's first: of two files of one name the earlier in this list is taken.
SUFFIXES = (
    *(".mp4", ".webm", ".m4v", ".mov", ".mkv", ".avi", ".mpg", ".mpeg", ".wmv", ".asf", ".flv"),
    *(".f4v", ".ts", ".mts", ".m2ts", ".vob", ".3gp", ".3g2", ".ogv", ".mxf", ".divx", ".dv"),
)
"""In small letters; how a video file's name ends, whatever its capitals."""


def preference(path: Path) -> int:
    """Of a video's file among others of it, by its ending; the least is taken."""
    return SUFFIXES.index(path.suffix.lower())


# The same images are to give the same bytes. More threads cut the work elsewhere. Without
# cpu-independent each kind of CPU rounds its own way in the macroblock tree, and with AVX-512 x264
# (core 165) even reads memory there that it never wrote: two runs on one machine then differ.
X264 = {
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
            "not a video; get it anew from where it came"
        ) from error


_SQUARE = 0.01
"""So near to 1 a pixel is square: 854 x 480 calls itself 1280:1281, which is a matter of rounding.
"""


@dataclass(frozen=True, eq=False)
class Frame:
    """A frame as its file holds it; `pixels` shows it.

    aspect: the width of its pixels, as coded, to their height.
    """

    coded: av.VideoFrame
    aspect: float = 1.0

    @property
    def width(self) -> int:
        """In square pixels, before it is turned."""
        if abs(self.aspect - 1) <= _SQUARE:
            return self.coded.width
        return max(1, round(self.coded.width * self.aspect))

    @property
    def shown(self) -> float | None:
        """When, in seconds of the file's own clock; None where the file does not say."""
        return self.coded.time

    @property
    def lasts(self) -> float | None:
        """For how many seconds; None where the file does not say."""
        base = self.coded.time_base
        return float(self.coded.duration * base) if base and self.coded.duration > 0 else None


@contextmanager
def muxing(film: Path, remedy: str = "") -> Iterator[None]:
    """What FFmpeg refuses while a film's skim is written is said of the film; what the disk
    refuses stays what it is.

    Raises UserError.
    """
    try:
        yield
    except av.error.FFmpegError as error:
        if isinstance(error, OSError):
            raise
        raise UserError(
            f"{film}: what is kept of it cannot be written as an MP4 ({error}); "
            f"{remedy or 'convert the film to H.264 with what made it'}"
        ) from error


@contextmanager
def opened(path: Path) -> Iterator[tuple[av.container.InputContainer, VideoStream]]:
    """The file and its one video stream. Raises UserError where there is none."""
    if not path.is_file():
        raise UserError(f"{path}: no such video; {anew('download')}")
    with _explained(path):
        # As an absolute path: what stands before a colon would be taken for a protocol.
        container = av.open(str(path.absolute()), metadata_errors="replace")
    with container:
        moving = [
            stream
            for stream in container.streams.video
            if not stream.disposition & Disposition.attached_pic
        ]
        known = [stream for stream in moving if stream.codec_context is not None]
        if moving and not known:
            raise UserError(
                f"{path}: its pictures are coded in a way that FFmpeg does not know; convert it "
                "to H.264 with what made it"
            )
        if not known:
            still = " but a picture on its cover" if container.streams.video else ""
            raise UserError(f"{path} holds no video stream{still}; get it anew from where it came")
        yield container, max(known, key=_preference)


def _preference(stream: VideoStream) -> tuple[bool, int]:
    context = stream.codec_context
    return bool(stream.disposition & Disposition.default), context.width * context.height


class Header(NamedTuple):
    """What a file says of its video before anything is decoded.

    rate: frames a second, on average. leap: by more than how many seconds its clock may leap, where
    recordings were joined or something was cut out of them: finite in transport and program
    streams. promised: seconds that it lasts; None where it does not say.
    """

    rate: float
    leap: float
    promised: float | None

    @property
    def joins(self) -> Joins:
        """Where parts with clocks of their own were joined."""
        return joins(1 / self.rate, self.leap)


def header(path: Path) -> Header:
    """Raises UserError where the file is not a video, or says nothing of its rate."""
    with opened(path) as (container, stream):
        average = stream.average_rate or stream.guessed_rate
        if not average:
            raise UserError(f"{path} does not say how many frames a second it has; encode it anew")
        return Header(float(average), leap(container), _promised(stream))


def leap(container: av.container.InputContainer) -> float:
    """By more than how many seconds the clock of such a file may leap; infinite where none does."""
    return LEAP if Flags.ts_discont in Flags(container.format.flags) else math.inf


def _promised(stream: VideoStream) -> float | None:
    base = float(stream.time_base or 0)
    if stream.duration and base:
        return stream.duration * base
    told = re.fullmatch(r"(\d+):(\d\d):(\d\d\.\d+)", stream.metadata.get("DURATION", ""))
    if told is None:
        return None
    # Matroska's tag says when it ends.
    begins = (stream.start_time or 0) * base
    return 3600 * int(told[1]) + 60 * int(told[2]) + float(told[3]) - begins


def decode(path: Path, lost: Callable[[], None] | None = None) -> Iterator[Frame]:
    """Every frame of the video in order, one at a time; `pixels` turns one to RGB.

    Args:
        path: its file.
        lost: told of every frame that does not decode, which is left out; what refers to it is as
            a player shows it. None: the first one is an error.

    Raises:
        UserError: naming the file, which is missing, truncated, damaged or not a video.
    """
    with opened(path) as (container, stream), _explained(path):
        stream.thread_type = "AUTO"
        aspect = float(stream.sample_aspect_ratio or 1)
        for packet in container.demux(stream):
            # A frame cut short decodes without an error, its rest filled in by guesswork.
            if packet.is_corrupt:
                if lost is None:
                    raise UserError(
                        f"{path} holds a frame that is cut short, and nothing behind it is read: "
                        "it is truncated or damaged; get it anew from where it came"
                    )
                lost()
                continue
            try:
                frames = packet.decode()
            except av.error.FFmpegError:
                if lost is None:
                    raise
                lost()
                continue
            for frame in frames:
                yield Frame(frame, aspect)


def count(path: Path) -> int:
    """Frames the video decodes to. Raises UserError as `decode` does."""
    return sum(1 for _ in decode(path))


def pixels(frame: Frame) -> Pixels:
    """The frame as a player shows it, (H, W, 3) uint8 RGB.

    It is turned and mirrored as its display matrix says, by quarter turns, and the width of a frame
    whose pixels are not square is stretched until they are.
    """
    coded = frame.coded
    image = np.asarray(coded.to_ndarray(format="rgb24", width=frame.width), dtype=np.uint8)
    return np.ascontiguousarray(_upright(image, coded))


def _upright(image: Pixels, coded: av.VideoFrame) -> Pixels:
    swapped, down, across = turn(coded)
    if swapped:
        image = image.swapaxes(0, 1)
    return image[:: -1 if down else 1, :: -1 if across else 1]


class Turn(NamedTuple):
    """What makes a frame upright: swapped, its rows become columns; then down, it is mirrored top
    to bottom; and across, left to right.
    """

    swapped: bool
    down: bool
    across: bool


def turn(coded: av.VideoFrame) -> Turn:
    """What a frame's display matrix asks for, in quarter turns.

    FFmpeg's matrix takes (x, y) to (a x + c y, b x + d y), y downwards.
    """
    stored: Any = coded.side_data.get("DISPLAYMATRIX")
    if stored is None:
        return Turn(False, False, False)
    a, b, _, c, d = np.frombuffer(bytes(stored), dtype=np.int32)[:5].tolist()
    return Turn(True, b < 0, c < 0) if abs(b) > abs(a) else Turn(False, d < 0, a < 0)


def encode(path: Path, images: Iterable[Pixels], fps: int, size: tuple[int, int]) -> None:
    """Write (H, W, 3) uint8 RGB images as an H.264 MP4 of `size` (width, height), both even.

    The file appears whole or not at all; the same images give the same bytes.
    """
    with (
        replacing(path) as temporary,
        av.open(str(temporary), "w", format="mp4") as container,
    ):
        stream = container.add_stream("libx264", rate=fps, options=dict(X264))
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.codec_context.thread_count = 1
        for image in images:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))

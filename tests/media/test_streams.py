"""Of the streams in a file the one that moves is its video."""

from pathlib import Path

import av
import numpy as np
import pytest
from av.stream import Disposition

from stages.errors import UserError
from stages.media import clock, sound, video


def film(
    path: Path, sizes: dict[int, int], cover: bool = False, default: int | None = None
) -> Path:
    """A stream of `sizes[frames]` pixels' width for each number of frames, behind a cover."""
    with av.open(str(path), "w") as container:
        if cover:
            picture = container.add_stream("mjpeg", rate=1, options={"strict": "unofficial"})
            picture.width, picture.height, picture.pix_fmt = 640, 480, "yuvj420p"
            picture.disposition = Disposition.attached_pic
        streams = []
        for number, width in enumerate(sizes.values()):
            stream = container.add_stream("libx264", rate=10 * (number + 1))
            stream.width, stream.height, stream.pix_fmt = width, 48, "yuv420p"
            stream.disposition = Disposition.default if number == default else Disposition(0)
            streams.append(stream)
        if cover:
            still = np.full((480, 640, 3), 90, np.uint8)
            for image in (av.VideoFrame.from_ndarray(still, format="rgb24"), None):
                container.mux(picture.encode(image))
        for stream, (frames, width) in zip(streams, sizes.items(), strict=True):
            for _ in range(frames):
                still = np.zeros((48, width, 3), np.uint8)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(still, format="rgb24")))
            container.mux(stream.encode(None))
    return path


def cover_first(path: Path) -> None:
    """Put an MP4's tags, and the cover in them, before its tracks, as some programs write them."""
    whole = path.read_bytes()
    start = whole.index(b"moov") + 4
    boxes, at = [], start
    while at < len(whole):
        size = int.from_bytes(whole[at : at + 4], "big")
        boxes.append(whole[at : at + size])
        at += size
    boxes.sort(key=lambda box: box[4:8] != b"udta")
    path.write_bytes(whole[:start] + b"".join(boxes))


def test_a_cover_that_comes_first_is_not_the_video(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", {12: 64}, cover=True)
    cover_first(path)
    with av.open(str(path)) as container:
        first = container.streams.video[0]
        assert first.width == 640
        assert first.disposition & Disposition.attached_pic
    assert video.count(path) == 12
    assert video.header(path).rate == 10
    assert {video.pixels(frame).shape for frame in video.decode(path)} == {(48, 64, 3)}


@pytest.mark.parametrize(("default", "frames", "rate"), [(None, 7, 20), (0, 12, 10), (1, 7, 20)])
def test_of_several_the_default_is_the_video_or_else_that_of_most_pixels(
    tmp_path: Path, default: int | None, frames: int, rate: float
) -> None:
    path = film(tmp_path / "a.mkv", {12: 64, 7: 96}, default=default)
    assert (video.count(path), video.header(path).rate) == (frames, rate)


def test_a_title_that_is_not_utf_8_hinders_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.avi"
    with av.open(str(path), "w") as container:
        container.metadata["title"] = "un TITRE"
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        frame = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")
        container.mux([*stream.encode(frame), *stream.encode(None)])
    written = path.read_bytes()
    assert written.count(b"un TITRE") == 1
    path.write_bytes(written.replace(b"un TITRE", "un été, ".encode("latin-1")))
    assert video.count(path) == 1
    assert sound.of(path) is None


def test_a_file_of_sound_alone_is_named(tmp_path: Path) -> None:
    path = tmp_path / "song.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=8000)
        silence = av.AudioFrame.from_ndarray(
            np.zeros((1, 1024), np.float32), format="fltp", layout="mono"
        )
        silence.sample_rate = 8000
        container.mux(stream.encode(silence))
        container.mux(stream.encode(None))
    with pytest.raises(UserError, match=r"song\.mp4 holds no video stream"):
        video.count(path)


def test_a_cover_alone_is_no_video(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", {}, cover=True)
    with pytest.raises(UserError, match=r"no video stream but a picture on its cover"):
        video.header(path)


@pytest.mark.parametrize(
    ("suffix", "codec"),
    [
        *((one, "libx264") for one in (".mp4", ".m4v", ".mov", ".mkv", ".avi", ".flv", ".f4v")),
        *((one, "libx264") for one in (".ts", ".mts", ".m2ts", ".3gp", ".3g2")),
        *((one, "mpeg2video") for one in (".mpg", ".mpeg", ".vob", ".mxf")),
        *((".wmv", "wmv2"), (".asf", "wmv2"), (".divx", "mpeg4")),
        (".webm", "libvpx"),
    ],
)
def test_every_frame_of_each_container_is_read(tmp_path: Path, suffix: str, codec: str) -> None:
    assert suffix in video.SUFFIXES
    path = tmp_path / f"a{suffix}"
    container = "avi" if suffix == ".divx" else None
    with av.open(str(path), "w", format=container) as file:
        stream = file.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for _ in range(30):
            still = np.full((48, 64, 3), 90, np.uint8)
            file.mux(stream.encode(av.VideoFrame.from_ndarray(still, format="rgb24")))
        file.mux(stream.encode(None))
    stamps = [frame.shown for frame in video.decode(path)]
    told = clock.of(stamps, None, video.header(path).rate)
    assert told.fps == 25
    np.testing.assert_array_equal(told.times_N, np.arange(30) / 25)

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from stages.errors import UserError
from stages.media import video


def test_every_frame_comes_back_in_order(clip: Path) -> None:
    images = [video.pixels(frame) for frame in video.decode(clip)]
    assert len(images) == 40
    assert images[0].shape == (48, 64, 3)
    assert images[0].dtype == np.uint8
    bright = [bool(image.mean() > 128) for image in images]
    assert bright == [False] * 16 + [True] * 24
    assert video.header(clip).rate == 30


def test_colours_survive(clip: Path) -> None:
    red, green, blue = video.pixels(next(video.decode(clip)))[20:28, 1:7].mean(axis=(0, 1))
    assert red > 200
    assert max(green, blue) < 80


ENCODE = """
import sys
from pathlib import Path
from stages.sources import camera, screenplay
from stages.media import video
view, end = screenplay.View(0.9, 0, 0), screenplay.View(0.75, 0.6, 0.8)
moves = tuple(screenplay.Move(subject, 30, view, end) for subject in ("brick wall", "rocket"))
film = camera.film(screenplay.Script("x", moves), (448, 336))
video.encode(Path(sys.argv[1]), film, 30, (448, 336))
"""


def test_the_same_images_give_the_same_bytes_whatever_lay_in_memory(tmp_path: Path) -> None:
    # glibc fills fresh memory with this value; elsewhere the variable does nothing.
    for fill in ("1", "77", "200"):
        path = tmp_path / f"{fill}.mp4"
        environment = {**os.environ, "MALLOC_PERTURB_": fill}
        subprocess.run([sys.executable, "-c", ENCODE, str(path)], check=True, env=environment)
    assert len({path.read_bytes() for path in tmp_path.iterdir()}) == 1


def test_an_interrupted_encoding_leaves_nothing(tmp_path: Path) -> None:
    def images() -> Iterator[video.Pixels]:
        yield np.zeros((48, 64, 3), dtype=np.uint8)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        video.encode(tmp_path / "a.mp4", images(), 30, (64, 48))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kept", [0.0, 0.1, 0.5, 0.95])
def test_a_truncated_video_is_named(clip: Path, tmp_path: Path, kept: float) -> None:
    whole = clip.read_bytes()
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole[: int(len(whole) * kept)])
    with pytest.raises(UserError, match=r"cut\.mp4 cannot be decoded .*truncated"):
        list(video.decode(cut))


def moved_to_front(whole: bytes) -> bytes:
    """An MP4 whose index (moov) comes before the frames (mdat), so that a cut keeps it."""
    boxes, start = [], 0
    while start < len(whole):
        size = int.from_bytes(whole[start : start + 4], "big")
        boxes.append((whole[start + 4 : start + 8], whole[start : start + size]))
        start += size
    content = dict(boxes)
    moov = content[b"moov"]
    at = moov.index(b"stco") + 4
    count = int.from_bytes(moov[at + 4 : at + 8], "big")
    table = bytearray(moov)
    for entry in range(count):
        where = at + 8 + 4 * entry
        offset = int.from_bytes(moov[where : where + 4], "big") + len(moov)
        table[where : where + 4] = offset.to_bytes(4, "big")
    others = [box for name, box in boxes if name not in (b"moov", b"mdat")]
    return b"".join([others[0], bytes(table), *others[1:], content[b"mdat"]])


def test_a_last_frame_cut_short_is_named(clip: Path, tmp_path: Path) -> None:
    whole = moved_to_front(clip.read_bytes())
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole)
    assert sum(1 for _ in video.decode(cut)) == 40
    cut.write_bytes(whole[:-3])
    with pytest.raises(UserError, match=r"cut\.mp4 .*truncated"):
        list(video.decode(cut))


def test_what_is_not_a_video_is_named(tmp_path: Path) -> None:
    page = tmp_path / "page.mp4"
    page.write_text("<html>404 not found</html>" * 100)
    with pytest.raises(UserError, match=r"page\.mp4"):
        list(video.decode(page))
    with pytest.raises(UserError, match=r"gone\.mp4: no such video"):
        video.header(tmp_path / "gone.mp4")

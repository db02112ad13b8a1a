"""Frames through a captioner: the next batch is decoded while one is described."""

import io
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, UnidentifiedImageError

from stages.artifacts.frames import Sampled, VideoFrames, write
from stages.captioners.captioner import Captioner, CaptionWorker, Frame, Pixels

FRAMES = 11


@dataclass(frozen=True)
class Says:
    """A plan whose captioner answers with what it is given to."""

    batch: int
    answer: Callable[[Sequence[Pixels]], list[str]]

    def determinants(self) -> dict[str, Any]:
        return {}

    def fetch(self) -> Path:
        return Path()

    def load(self) -> Captioner:
        return self

    def caption(self, images: Sequence[Pixels], /) -> list[str]:
        return self.answer(images)


def brightness(images: Sequence[Pixels]) -> list[str]:
    return [str(round(float(image.mean()) / 20)) for image in images]


def grey(level: int) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (16 + level, 16), (20 * level,) * 3).save(stream, "JPEG")
    return stream.getvalue()


def frames_file(path: Path, jpegs: Sequence[bytes]) -> Path:
    video = Sampled(name="video_1", picks_T=np.arange(len(jpegs)), jpegs=tuple(jpegs))
    write(path, [video])
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return frames_file(tmp_path / "frames.h5", [grey(level) for level in range(FRAMES)])


PAYLOADS = [Frame("video_1", index) for index in reversed(range(FRAMES))]


@pytest.mark.parametrize("batch", [1, 4, FRAMES, 100])
def test_every_frame_gets_its_own_caption(path: Path, batch: int) -> None:
    said = [
        (index, str(a["caption"]))
        for index, a in CaptionWorker(Says(batch, brightness), path)(PAYLOADS)
    ]
    assert said == [(place, str(frame.index)) for place, frame in enumerate(PAYLOADS)]


def test_nothing_to_caption_is_no_caption(path: Path) -> None:
    assert list(CaptionWorker(Says(4, brightness), path)([])) == []


def test_the_next_batch_and_no_more_is_read_meanwhile(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch, changed = 2, threading.Condition()
    read: list[threading.Thread] = []
    described: list[Pixels] = []
    original = VideoFrames.image

    def image(self: VideoFrames, index: int) -> Pixels:
        pixels = original(self, index)
        with changed:
            # A frame of the next batch comes in only once the model is at work on this one …
            assert changed.wait_for(lambda: len(described) > len(read) - batch, timeout=10)
            read.append(threading.current_thread())
            changed.notify_all()
        return pixels

    def answer(images: Sequence[Pixels]) -> list[str]:
        with changed:
            described.extend(images)
            changed.notify_all()
            # … and does so before the model is done; the batch after the next is not touched.
            ahead = min(len(described) + batch, FRAMES)
            assert changed.wait_for(lambda: len(read) >= ahead, timeout=10)
            assert not changed.wait_for(lambda: len(read) > ahead, timeout=0.05)
        return brightness(images)

    monkeypatch.setattr(VideoFrames, "image", image)
    assert len(list(CaptionWorker(Says(batch, answer), path)(PAYLOADS))) == FRAMES
    assert threading.current_thread() not in read


def test_a_frame_that_cannot_be_decoded_surfaces_after_what_came_before(tmp_path: Path) -> None:
    jpegs = [grey(1), grey(2), grey(3), b"no JPEG", grey(5)]
    path = frames_file(tmp_path / "damaged.h5", jpegs)
    results = CaptionWorker(Says(2, brightness), path)([Frame("video_1", i) for i in range(5)])
    assert [str(next(results)[1]["caption"]) for _ in range(2)] == ["1", "2"]
    with pytest.raises(UnidentifiedImageError):
        next(results)


def test_a_failing_model_surfaces_and_leaves_no_thread(path: Path) -> None:
    def answer(images: Sequence[Pixels]) -> list[str]:
        raise RuntimeError("the model broke")

    before = threading.active_count()
    with pytest.raises(RuntimeError, match="the model broke"):
        list(CaptionWorker(Says(2, answer), path)(PAYLOADS))
    assert threading.active_count() == before

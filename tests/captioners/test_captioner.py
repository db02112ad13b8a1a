"""Frames through a captioner: the next batches are prepared while one is described."""

import io
import threading
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, UnidentifiedImageError

from stages.artifacts.frames import Sampled, VideoFrames, write
from stages.captioners.captioner import AHEAD, Captioner, CaptionWorker, Frame, Pixels
from stages.errors import UserError

FRAMES = 11


@dataclass(frozen=True)
class Says:
    """A plan whose captioner answers with what it is given to."""

    batch: int
    answer: Callable[[Sequence[Pixels]], list[str]]
    prepared: list[threading.Thread] = field(default_factory=list)

    def determinants(self) -> dict[str, Any]:
        return {}

    def fetch(self) -> Path:
        return Path()

    def load(self) -> Captioner:
        return self

    def prepare(self, images: Sequence[Pixels], /) -> list[Pixels]:
        self.prepared.append(threading.current_thread())
        return [*images]

    def caption(self, prepared: list[Pixels], /) -> list[str]:
        return self.answer(prepared)


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


def test_the_next_two_batches_and_no_more_are_prepared_meanwhile(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch, changed = 2, threading.Condition()
    read: list[threading.Thread] = []
    described: list[Pixels] = []
    original = VideoFrames.image

    def image(self: VideoFrames, index: int) -> Pixels:
        pixels = original(self, index)
        with changed:
            read.append(threading.current_thread())
            changed.notify_all()
        return pixels

    def answer(images: Sequence[Pixels]) -> list[str]:
        with changed:
            described.extend(images)
            # Before the model is done the next two batches come in, and the third does not.
            ahead = min(len(described) + AHEAD * batch, FRAMES)
            assert changed.wait_for(lambda: len(read) >= ahead, timeout=10)
            assert not changed.wait_for(lambda: len(read) > ahead, timeout=0.05)
        return brightness(images)

    monkeypatch.setattr(VideoFrames, "image", image)
    says = Says(batch, answer)
    assert len(list(CaptionWorker(says, path)(PAYLOADS))) == FRAMES
    assert len({*read, *says.prepared}) == 1
    assert threading.current_thread() not in read


def test_a_frame_that_cannot_be_decoded_surfaces_after_what_came_before(tmp_path: Path) -> None:
    jpegs = [grey(1), grey(2), grey(3), b"no JPEG", grey(5)]
    path = frames_file(tmp_path / "damaged.h5", jpegs)
    results = CaptionWorker(Says(2, brightness), path)([Frame("video_1", i) for i in range(5)])
    assert [str(next(results)[1]["caption"]) for _ in range(2)] == ["1", "2"]
    with pytest.raises(UnidentifiedImageError):
        next(results)


def test_what_a_model_cannot_prepare_surfaces_after_what_came_before(path: Path) -> None:
    class Refuses(Says):
        def prepare(self, images: Sequence[Pixels], /) -> list[Pixels]:
            if len(self.prepared) == 2:
                raise UserError("no such picture")
            return super().prepare(images)

    results = CaptionWorker(Refuses(3, brightness), path)(PAYLOADS)
    assert [next(results)[0] for _ in range(6)] == [*range(6)]
    with pytest.raises(UserError, match="no such picture"):
        next(results)


@pytest.mark.parametrize("error", [RuntimeError("the model broke"), KeyboardInterrupt()])
def test_a_failing_model_surfaces_and_leaves_no_thread(path: Path, error: BaseException) -> None:
    def answer(images: Sequence[Pixels]) -> list[str]:
        raise error

    before = threading.active_count()
    says = Says(2, answer)
    with pytest.raises(type(error)):
        list(CaptionWorker(says, path)(PAYLOADS))
    assert threading.active_count() == before
    assert len(says.prepared) <= 1 + AHEAD


def test_whoever_stops_asking_is_left_no_thread(path: Path) -> None:
    before = threading.active_count()
    results = CaptionWorker(Says(2, brightness), path)(PAYLOADS)
    next(results)
    assert isinstance(results, Generator)
    results.close()
    assert threading.active_count() == before

"""Of a video's files the one that people annotated."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from stages.artifacts.video import Video
from stages.media import video
from stages.sources import versions
from stages.work.store import Store


@pytest.fixture(autouse=True)
def one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Starting processes takes longer than counting."""
    monkeypatch.setenv("LLMVS_WORKERS", "1")


def made(folder: Path, frames: Mapping[str, int]) -> list[Path]:
    """A file of so many frames for each name, in that order."""
    for number, (name, count) in enumerate(frames.items()):
        images = [np.full((48, 64, 3), 40 * number + 10, np.uint8)] * count
        video.encode(folder / name, images, 30, (64, 48))
    return [folder / name for name in frames]


def nearest(annotated: int, paths: list[Path], store: Store) -> str:
    one = Video.sampled("video_1", "a", annotated)
    return versions.nearest([one], {"a": paths}, store).files["a"].name


@pytest.mark.parametrize(
    ("annotated", "frames", "chosen"),
    [
        (30, {"a.mp4": 20, "b.mp4": 30}, "b.mp4"),
        (30, {"a.mp4": 20, "b.mp4": 29, "c.mp4": 33}, "b.mp4"),
        (30, {"a.mp4": 33, "b.mp4": 28}, "b.mp4"),
        # As near: the longer leaves every annotation standing.
        (30, {"a.mp4": 29, "b.mp4": 31}, "b.mp4"),
        (30, {"a.mp4": 31, "b.mp4": 29}, "a.mp4"),
        (30, {"a.mp4": 29, "b.mp4": 29}, "a.mp4"),
    ],
)
def test_the_file_with_most_nearly_the_annotated_frames_is_taken(
    tmp_path: Path, annotated: int, frames: Mapping[str, int], chosen: str
) -> None:
    assert nearest(annotated, made(tmp_path, frames), Store(tmp_path / "store")) == chosen


def test_a_file_alone_is_taken_undecoded_and_none_is_after_the_right_one(tmp_path: Path) -> None:
    alone, after = tmp_path / "alone.mp4", tmp_path / "z.mp4"
    alone.write_bytes(b"not looked at")
    after.write_bytes(b"nor this")
    assert nearest(30, [alone], Store(tmp_path / "store")) == "alone.mp4"
    assert (
        nearest(30, [*made(tmp_path, {"a.mp4": 30}), after], Store(tmp_path / "store")) == "a.mp4"
    )


def test_a_file_is_decoded_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    paths = made(tmp_path, {"a.mp4": 20, "b.webm.mp4": 28})
    with caplog.at_level("WARNING", "llmvs"):
        nearest(30, paths, Store(tmp_path / "store"))
    said = "a: annotated for 30 frames; decoded: a.mp4 20, b.webm.mp4 28; b.webm.mp4, the nearest"
    assert said in caplog.text
    monkeypatch.setattr(video, "count", lambda path: pytest.fail(f"{path} decoded again"))
    assert (
        nearest(
            29,
            [path.rename(path.with_stem("c" + path.stem)) for path in paths],
            Store(tmp_path / "store"),
        )
        == "cb.webm.mp4"
    )


def test_videos_are_chosen_apart(tmp_path: Path) -> None:
    paths = made(tmp_path, {"a.mp4": 20, "a2.mp4": 25, "b.mp4": 20, "b2.mp4": 31, "b3.mp4": 30})
    shown = [Video.sampled("video_1", "a", 20), Video.sampled("video_2", "b", 30)]
    found = versions.nearest(shown, {"a": paths[:2], "b": paths[2:]}, Store(tmp_path / "store"))
    assert {title: path.name for title, path in found.files.items()} == {
        "a": "a.mp4",
        "b": "b3.mp4",
    }
    assert len(set(found.keys)) == 4, "a2 was not needed"

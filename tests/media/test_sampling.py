import dataclasses
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stages.artifacts.field import VideoAnnotations
from stages.artifacts.frames import Floats, Pixels
from stages.errors import UserError
from stages.media import sampling, video
from stages.media.settings import Sample, Segmentation

SEGMENTATION = Segmentation(penalty=1.0, max_shots=None)
SETTINGS = Sample(every=4, tolerance=0, short_side=96, jpeg_quality=90, segmentation=SEGMENTATION)


def brightness(images: Sequence[Pixels]) -> Floats:
    """A stand-in for the image encoder: dark and bright frames point in different directions."""
    mean_T = np.array([image.mean() for image in images])
    return np.stack([mean_T < 128, mean_T >= 128], axis=1).astype(np.float32) * 7


def test_every_kth_frame_is_sampled(clip: Path, annotated: VideoAnnotations) -> None:
    sampled = sampling.sample(clip, annotated, SETTINGS, brightness)
    assert sampled.n_frames == 40
    assert sampled.fps == 30
    np.testing.assert_array_equal(sampled.picks_T, np.arange(0, 40, 4))
    assert len(sampled.jpegs) == len(sampled.features_TD) == 10
    decoded = [video.pixels(frame) for frame in video.decode(clip)]
    for pick, jpeg in zip(sampled.picks_T, sampled.jpegs, strict=True):
        image = np.asarray(Image.open(io.BytesIO(jpeg)))
        assert image.shape == (96, 128, 3)
        assert abs(image.mean() - decoded[pick].mean()) < 3
    np.testing.assert_array_equal(sampled.features_TD[:, 1], [0] * 4 + [7] * 6)


def test_features_are_those_of_the_stored_frames(clip: Path, annotated: VideoAnnotations) -> None:
    def encode(images: Sequence[Pixels]) -> Floats:
        return np.array([[image.sum()] for image in images], dtype=np.float32)

    sampled = sampling.sample(clip, annotated, SETTINGS, encode)
    stored = [np.asarray(Image.open(io.BytesIO(jpeg))) for jpeg in sampled.jpegs]
    np.testing.assert_array_equal(sampled.features_TD, encode(stored))


def test_decoded_frames_are_let_go(
    clip: Path, annotated: VideoAnnotations, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sampling, "_TOGETHER", 3)
    sizes = []

    def encode(images: Sequence[Pixels]) -> Floats:
        sizes.append(len(images))
        return brightness(images)

    sampled = sampling.sample(clip, annotated, SETTINGS, encode)
    assert sizes == [3, 3, 3, 1]
    assert sampled.features_TD.shape == (10, 2)


def test_the_annotations_own_shots_are_kept(clip: Path, annotated: VideoAnnotations) -> None:
    shots_S2 = np.array([[0, 20], [21, 39]])
    with_shots = dataclasses.replace(annotated, change_points_S2=shots_S2)
    sampled = sampling.sample(clip, with_shots, SETTINGS, brightness)
    np.testing.assert_array_equal(sampled.change_points_S2, shots_S2)
    assert sampled.change_points_from == "annotations"


def test_without_shots_they_come_from_the_features(clip: Path, annotated: VideoAnnotations) -> None:
    sampled = sampling.sample(clip, annotated, SETTINGS, brightness)
    assert sampled.change_points_from == "kts"
    # The picture changes at frame 16, between the samples 12 and 16: half way is 14.
    np.testing.assert_array_equal(sampled.change_points_S2, [[0, 14], [15, 39]])


@pytest.mark.parametrize("samples", [1, 2, 3, 20])
def test_segments_cover_every_frame_once(samples: int) -> None:
    random = np.random.default_rng(samples)
    features_TD = random.normal(size=(samples, 5)).astype(np.float32)
    picks_T = np.arange(samples) * 15
    n_frames = samples * 15 - 3
    eager = Segmentation(penalty=0.0, max_shots=None)
    shots_S2 = sampling.segment(features_TD, picks_T, n_frames, eager)
    covered = [frame for start, end in shots_S2.tolist() for frame in range(start, end + 1)]
    assert covered == list(range(n_frames))
    assert len(shots_S2) == samples


def test_the_length_of_features_does_not_matter() -> None:
    picks_T = np.arange(6) * 15
    features_TD = np.repeat(np.eye(2, dtype=np.float32), 3, axis=0)
    lengths_T1 = np.array([[1], [5], [100], [2], [50], [0.1]], dtype=np.float32)
    plain = sampling.segment(features_TD, picks_T, 90, SEGMENTATION)
    np.testing.assert_array_equal(plain, [[0, 37], [38, 89]])
    stretched = sampling.segment(features_TD * lengths_T1, picks_T, 90, SEGMENTATION)
    np.testing.assert_array_equal(stretched, plain)
    assert len(sampling.segment(features_TD * 0, picks_T, 90, SEGMENTATION)) == 1


@pytest.mark.parametrize("annotated_frames", [39, 41])
def test_another_number_of_frames_is_an_error_with_both_numbers(
    clip: Path, annotated: VideoAnnotations, annotated_frames: int
) -> None:
    other = dataclasses.replace(annotated, n_frames=annotated_frames)
    said = rf"clip\.mp4 decodes to 40 frames, but .* video_1 are for {annotated_frames}"
    with pytest.raises(UserError, match=said):
        sampling.sample(clip, other, SETTINGS, brightness)


@pytest.mark.parametrize("size", [(64, 48), (48, 64), (500, 300), (336, 336), (337, 400)])
def test_the_short_side_becomes_what_is_asked_for(size: tuple[int, int]) -> None:
    width, height = size
    image = sampling.shrink(np.zeros((height, width, 3), dtype=np.uint8), 336)
    assert min(image.size) == 336
    assert abs(image.width / image.height - width / height) < 0.01


def test_a_video_is_found_by_name_whatever_its_container(tmp_path: Path) -> None:
    for name in ("a.mp4", "b.webm", "St Maarten.mp4"):
        (tmp_path / name).touch()
    assert sampling.find(tmp_path, "a").name == "a.mp4"
    assert sampling.find(tmp_path, "b").name == "b.webm"
    assert sampling.find(tmp_path, "St Maarten").name == "St Maarten.mp4"
    with pytest.raises(UserError, match="holds no video c "):
        sampling.find(tmp_path, "c")


def test_an_empty_or_missing_folder_is_named(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "missing"):
        with pytest.raises(UserError, match=r"holds no videos; run the download stage again"):
            sampling.find(folder, "a")

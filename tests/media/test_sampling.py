import dataclasses
import io
import unicodedata
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from stages.artifacts.video import Video
from stages.errors import UserError
from stages.media import sampling, video
from stages.media.sampling import Floats
from stages.media.settings import PenaltySegmentation, Sample
from stages.media.video import Pixels

SEGMENTATION = PenaltySegmentation(rule="penalty", penalty=1.0, max_shots=None)
SETTINGS = Sample(tolerance=0, short_side=96, jpeg_quality=90, segmentation=SEGMENTATION)


def brightness(images: Sequence[Pixels]) -> Floats:
    """A stand-in for the image encoder: dark and bright frames point in different directions."""
    mean_T = np.array([image.mean() for image in images])
    return np.stack([mean_T < 128, mean_T >= 128], axis=1).astype(np.float32) * 7


@pytest.mark.parametrize("picks", [range(0, 40, 4), [0, 7, 8, 31], [39]])
def test_the_frames_that_the_timeline_picks_are_taken(
    clip: Path, known: Video, picks: Sequence[int]
) -> None:
    known = dataclasses.replace(known, picks_T=np.array(picks))
    taken = sampling.take(clip, known, SETTINGS, brightness)
    assert len(taken.jpegs) == len(taken.features_TD) == len(picks)
    decoded = [video.pixels(frame) for frame in video.decode(clip)]
    for pick, jpeg in zip(picks, taken.jpegs, strict=True):
        image = np.asarray(Image.open(io.BytesIO(jpeg)))
        assert image.shape == (96, 128, 3)
        assert abs(image.mean() - decoded[pick].mean()) < 3
    np.testing.assert_array_equal(taken.features_TD[:, 1] > 0, np.array(picks) >= 16)


def test_the_frame_rate_is_the_files_own(clip: Path, known: Video) -> None:
    taken = sampling.take(clip, known, SETTINGS, brightness)
    assert (known.fps, taken.fps) == (25, 30)
    np.testing.assert_allclose(taken.times_T, np.arange(0, 40, 4) / 30)


SLOWER = np.r_[np.arange(0, 600, 30), np.arange(600, 2600, 100)] / 900
"""When 40 frames are shown: 20 at 30 a second, then 20 at 9."""


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_times_are_those_at_which_frames_are_shown(
    tmp_path: Path, known: Video, suffix: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / f"clip.{suffix}"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 900)
        for second in SLOWER:
            image = np.full((48, 64, 3), 90, np.uint8)
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = round(second * 900), Fraction(1, 900)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with caplog.at_level("WARNING", "llmvs"):
        shown = sampling.take(path, known, SETTINGS, brightness).completed(known, SETTINGS)
    assert "up to 1 s from where a steady 25 a second" in caplog.text
    np.testing.assert_allclose(shown.times_T, SLOWER[::4], atol=0.001)
    assert shown.seconds == pytest.approx(SLOWER[-1], abs=0.12)  # and a last frame's length
    assert shown.seconds > SLOWER[-1]
    assert np.abs(shown.times_T - shown.picks_T / video.header(path).rate).max() > 0.3


def test_a_file_that_decodes_to_nothing_is_an_error(tmp_path: Path, known: Video) -> None:
    path = tmp_path / "clip.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        container.mux(stream.encode(None))
    with pytest.raises(UserError, match=r"clip\.mp4"):
        sampling.take(path, known, SETTINGS, brightness)


def test_features_are_those_of_the_stored_frames(clip: Path, known: Video) -> None:
    def encode(images: Sequence[Pixels]) -> Floats:
        return np.array([[image.sum()] for image in images], dtype=np.float32)

    taken = sampling.take(clip, known, SETTINGS, encode)
    stored = [np.asarray(Image.open(io.BytesIO(jpeg))) for jpeg in taken.jpegs]
    np.testing.assert_array_equal(taken.features_TD, encode(stored))


def test_decoded_frames_are_let_go(
    clip: Path, known: Video, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sampling, "_TOGETHER", 3)
    sizes = []

    def encode(images: Sequence[Pixels]) -> Floats:
        sizes.append(len(images))
        return brightness(images)

    taken = sampling.take(clip, known, SETTINGS, encode)
    assert sizes == [3, 3, 3, 1]
    assert taken.features_TD.shape == (10, 2)


def test_shots_that_are_known_are_kept(clip: Path, known: Video) -> None:
    shots_S2 = np.array([[0, 20], [21, 39]])
    known = known.with_shots(shots_S2, "field")
    shown = sampling.take(clip, known, SETTINGS, brightness).completed(known, SETTINGS)
    np.testing.assert_array_equal(shown.shots_S2, shots_S2)
    assert shown.shots_from == "field"


def test_without_shots_they_come_from_the_features(clip: Path, known: Video) -> None:
    shown = sampling.take(clip, known, SETTINGS, brightness).completed(known, SETTINGS)
    assert shown.shots_from == "kts"
    # The picture changes at frame 16, between the samples 12 and 16: half way is 14.
    np.testing.assert_array_equal(shown.shots_S2, [[0, 14], [15, 39]])


@pytest.mark.parametrize("known_frames", [39, 41])
def test_another_number_of_frames_is_an_error_with_both_numbers(
    clip: Path, known: Video, known_frames: int
) -> None:
    other = dataclasses.replace(known, n_frames=known_frames)
    taken = sampling.take(clip, other, SETTINGS, brightness)
    said = rf"clip decodes to 40 frames, but video_1 is known to have {known_frames}\n"
    with pytest.raises(UserError, match=said):
        taken.completed(other, SETTINGS)


@pytest.mark.parametrize(("known_frames", "every"), [(43, 4), (43, 20), (42, 41)])
def test_a_video_that_ends_before_its_annotations_cuts_them(
    clip: Path, caplog: pytest.LogCaptureFixture, known_frames: int, every: int
) -> None:
    longer = Video.sampled("video_1", "clip", known_frames, 25.0, every)
    cut_in_two = longer.with_shots([[0, 29], [30, known_frames - 1]], "field")
    settings = SETTINGS.model_copy(update={"tolerance": known_frames - 40})
    taken = sampling.take(clip, cut_in_two, settings, brightness)
    with caplog.at_level("WARNING", "llmvs"):
        shown = taken.completed(cut_in_two, settings)
    picks = range(0, 40, every)
    np.testing.assert_array_equal(shown.picks_T, picks)
    np.testing.assert_allclose(shown.times_T, np.array(picks) / 30)
    assert len(taken.jpegs) == len(taken.features_TD) == len(picks)
    np.testing.assert_array_equal(shown.known_shots(), [[0, 29], [30, 39]])
    assert (shown.n_frames, shown.cut) == (
        40,
        (known_frames - 40, len(longer.picks_T) - len(picks)),
    )
    assert caplog.text.count(f"40 frames decoded, {known_frames} annotated") == 1
    # Shots of its own cover what it decodes to.
    assert taken.completed(longer, settings).known_shots()[-1, 1] == 39
    with pytest.raises(UserError, match="decodes to 40 frames"):
        taken.completed(longer, settings.model_copy(update={"tolerance": settings.tolerance - 1}))


def test_a_file_that_ends_before_the_first_pick_is_an_error(clip: Path, known: Video) -> None:
    later = dataclasses.replace(known, n_frames=90, picks_T=np.array([40, 80]))
    with pytest.raises(UserError, match=r"clip\.mp4 decodes to 40 frames, of which none"):
        sampling.take(clip, later, SETTINGS, brightness)


@pytest.mark.parametrize("size", [(64, 48), (48, 64), (500, 300), (336, 336), (337, 400)])
def test_the_short_side_becomes_what_is_asked_for(size: tuple[int, int]) -> None:
    width, height = size
    image = sampling.shrink(np.zeros((height, width, 3), dtype=np.uint8), 336)
    assert min(image.size) == 336
    assert abs(image.width / image.height - width / height) < 0.01


def test_a_video_is_found_by_name_whatever_its_container(tmp_path: Path) -> None:
    for name in ("a.mp4", "b.webm", "St Maarten.mp4", "d.MOV", "E.Mkv"):
        (tmp_path / name).touch()
    assert sampling.find(tmp_path, "a").name == "a.mp4"
    assert sampling.find(tmp_path, "b").name == "b.webm"
    assert sampling.find(tmp_path, "St Maarten").name == "St Maarten.mp4"
    assert sampling.find(tmp_path, "d").name == "d.MOV"
    assert sampling.find(tmp_path, "E").name == "E.Mkv"
    with pytest.raises(UserError, match="holds no video c,"):
        sampling.find(tmp_path, "c")
    with pytest.raises(UserError, match=r"no video St Martin.*nearest: St Maarten\.mp4"):
        sampling.find(tmp_path, "St Martin")


def test_a_video_is_found_however_its_title_is_spelt(tmp_path: Path) -> None:
    decomposed = unicodedata.normalize("NFD", "Café")
    for name in (f"{decomposed}.mp4", "Base_jumping.mp4", "A_B C.mp4", "A B_C.mp4"):
        (tmp_path / name).touch()
    assert sampling.find(tmp_path, "Café").stem == decomposed
    assert sampling.find(tmp_path, "Base jumping").name == "Base_jumping.mp4"
    with pytest.raises(UserError, match="'A B_C' and 'A_B C' may mean"):
        sampling.find(tmp_path, "A B C")


def test_what_is_hidden_or_half_fetched_is_no_video(tmp_path: Path) -> None:
    for name in ("a.mp4", "._b.mp4", ".c.mp4", "d.mp4.part", "e.txt"):
        (tmp_path / name).touch()
    for title in ("b", "._b", "c", ".c", "d", "d.mp4", "e"):
        with pytest.raises(UserError, match="holds no video"):
            sampling.find(tmp_path, title)


def test_of_two_files_of_one_name_the_mp4_is_taken(tmp_path: Path) -> None:
    for name in ("a.avi", "a.webm", "a.MP4"):
        (tmp_path / name).touch()
    assert sampling.find(tmp_path, "a").name == "a.MP4"


def test_an_empty_or_missing_folder_is_named(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "missing"):
        with pytest.raises(UserError, match=r"holds no videos; run the download stage"):
            sampling.find(folder, "a")

"""Every kind of film that people have, cut down: what is seen is what a player shows."""

import shutil
import subprocess
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numbered_films import CELL, SIZE, Track, film, heard, lag, noise, number_of, picture, shown

from stages.errors import UserError
from stages.media import skim, timing, video

TIMES = (np.arange(60) / 25).tolist()
SPANS = [(0.4, 1.0), (1.6, 2.2)]
NUMBERS = [*range(10, 25), *range(40, 55)]

needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg not installed")


def numbers(path: Path) -> list[int]:
    return [number_of(image) for _, image in shown(path)]


def near(path: Path, source: Path) -> None:
    """Each frame of the skim is, but for encoding, what the source shows, in colour too."""
    wanted = [image for _, image in shown(source)]
    for _, image in shown(path):
        other = wanted[number_of(image)]
        height, width = other.shape[:2]
        assert np.abs(image[:height, :width].astype(int) - other).mean() < 6
        assert np.abs(image[:height, :width].mean((0, 1)) - other.mean((0, 1))).max() < 3


@pytest.mark.parametrize(
    ("codec", "pix_fmt", "ending"),
    [
        ("libx264", "yuv420p", ".m4v"),
        ("libx264", "yuv420p10le", ".mkv"),
        ("libx264", "yuv422p", ".mov"),
        ("libx264", "yuv422p10le", ".mov"),
        ("libx264", "yuv444p", ".mkv"),
        ("libx264", "yuvj420p", ".mp4"),
        ("libx264", "gray", ".mkv"),
        ("libx264", "gray10le", ".mkv"),
        ("libx264", "yuv420p", ".avi"),
        ("ffv1", "bgr0", ".mkv"),
        ("ffv1", "yuv420p16le", ".mkv"),
        ("rawvideo", "bgr24", ".avi"),
        ("mjpeg", "yuvj422p", ".avi"),
        ("mpeg4", "yuv420p", ".AVI"),
        ("mpeg2video", "yuv420p", ".mpg"),
        ("libx264", "yuv420p", ".ts"),
        ("libvpx", "yuv420p", ".webm"),
        ("libvpx-vp9", "yuv420p", ".webm"),
    ],
)
def test_each_way_of_coding_pictures(tmp_path: Path, codec: str, pix_fmt: str, ending: str) -> None:
    path = film(tmp_path / f"a{ending}", TIMES, codec=codec, pix_fmt=pix_fmt)
    made = skim.write(tmp_path / "b.mp4", path, SPANS)
    assert numbers(tmp_path / "b.mp4") == NUMBERS
    assert made.said == ()
    near(tmp_path / "b.mp4", path)
    with av.open(str(tmp_path / "b.mp4")) as file:
        context = file.streams.video[0].codec_context
        assert (context.name, context.pix_fmt) == ("h264", "yuv420p")
        assert context.color_range in (0, 1)


@pytest.mark.parametrize("colours", [(1, 1, 1), (6, 6, 6), (9, 14, 9)])
def test_colours_keep_their_meaning(tmp_path: Path, colours: tuple[int, int, int]) -> None:
    path = film(tmp_path / "a.mkv", TIMES, colours=colours)
    skim.write(tmp_path / "b.mp4", path, SPANS)
    near(tmp_path / "b.mp4", path)
    with av.open(str(tmp_path / "b.mp4")) as file:
        context = file.streams.video[0].codec_context
        found = context.color_primaries, context.color_trc, context.colorspace
    assert found == colours


@pytest.mark.parametrize(("transfer", "name"), [(16, "PQ"), (18, "HLG")])
def test_high_dynamic_range_is_mapped_and_said(tmp_path: Path, transfer: int, name: str) -> None:
    colours = (9, transfer, 9)
    path = film(tmp_path / "a.mkv", TIMES, pix_fmt="yuv420p10le", colours=colours)
    made = skim.write(tmp_path / "b.mp4", path, SPANS)
    assert any(f"({name})" in line for line in made.said)
    with av.open(str(tmp_path / "b.mp4")) as file:
        context = file.streams.video[0].codec_context
        assert (context.color_primaries, context.color_trc, context.colorspace) == (1, 1, 1)
    assert numbers(tmp_path / "b.mp4") == NUMBERS
    # A white at 80 % of the scale is several times what a usual screen's is: brighter, once mapped.
    white = [image[:CELL, 3 * CELL :][4:12, 4:12].mean() for _, image in shown(tmp_path / "b.mp4")]
    raw = [image[:CELL, 3 * CELL :][4:12, 4:12].mean() for _, image in shown(path)]
    assert max(white) > max(raw) + 3


@pytest.mark.parametrize("size", [(97, 65), (97, 64), (96, 65), (113, 77)])
def test_odd_sizes_are_padded(tmp_path: Path, size: tuple[int, int]) -> None:
    path = film(tmp_path / "a.mkv", TIMES, size=size, codec="ffv1")
    skim.write(tmp_path / "b.mp4", path, SPANS)
    assert numbers(tmp_path / "b.mp4") == NUMBERS
    even = tuple(side + side % 2 for side in size)
    assert {image.shape[1::-1] for _, image in shown(tmp_path / "b.mp4")} == {even}
    near(tmp_path / "b.mp4", path)


@pytest.mark.parametrize(
    "matrix",
    [
        (0, -1, 1, 0),
        (-1, 0, 0, -1),
        (0, 1, -1, 0),
        (-1, 0, 0, 1),
        (1, 0, 0, -1),
        (0, 1, 1, 0),
        (0, -1, -1, 0),
    ],
)
def test_films_are_upright(tmp_path: Path, matrix: Sequence[int]) -> None:
    a, b, c, d = (one << 16 for one in matrix)
    path = film(tmp_path / "a.mp4", TIMES, matrix=[a, b, 0, c, d, 0, 0, 0, 1 << 30])
    made = skim.write(tmp_path / "b.mp4", path, SPANS)
    wanted = [image for _, image in shown(path)]
    found = shown(tmp_path / "b.mp4")
    assert made.frames == len(found) == len(NUMBERS)
    for number, (_, image) in zip(NUMBERS, found, strict=True):
        assert image.shape == wanted[number].shape
        assert np.abs(image.astype(int) - wanted[number]).mean() < 6
    with av.open(str(tmp_path / "b.mp4")) as file:
        # or a player would turn it once more
        assert "DISPLAYMATRIX" not in next(file.decode(video=0)).side_data


def test_pixels_that_are_not_square_are_stretched(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mkv", TIMES, aspect=Fraction(4, 3))
    skim.write(tmp_path / "b.mp4", path, SPANS)
    near_size = {image.shape for _, image in shown(tmp_path / "b.mp4")}
    assert near_size == {(SIZE[1], SIZE[0] * 4 // 3, 3)}
    with av.open(str(tmp_path / "b.mp4")) as file:
        assert file.streams.video[0].sample_aspect_ratio in (None, 0, 1)


def test_a_cover_is_not_the_film(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", TIMES, [Track(noise(3), codec="aac")], cover=True)
    made = skim.write(tmp_path / "b.mp4", path, SPANS)
    assert numbers(tmp_path / "b.mp4") == NUMBERS
    assert made.sound
    with av.open(str(tmp_path / "b.mp4")) as file:
        assert [stream.type for stream in file.streams] == ["video", "audio"]


def combed(number: int, size: tuple[int, int]) -> video.Pixels:
    """Two fields of a bright bar that moves fast, each by itself whole, under the number."""
    image = picture(number, size)
    for field in (0, 1):
        begin = CELL * 3 + (8 * number + 4 * field) % 36
        image[2 * CELL + field :: 2, CELL * 3 :] = 20
        image[2 * CELL + field :: 2, begin : begin + 12] = 235
    return image


def combs(image: video.Pixels) -> float:
    """How much neighbouring lines differ, beyond what lines two apart do."""
    grey = image[2 * CELL + 2 : 4 * CELL - 2, 3 * CELL :].mean(axis=2)
    return float(np.abs(np.diff(grey, axis=0)).mean() - np.abs(grey[2:] - grey[:-2]).mean())


def test_interlaced_fields_are_woven_into_whole_frames_within_each_piece(tmp_path: Path) -> None:
    options = {"x264-params": "tff=1", "crf": "10"}
    tracks = [Track(noise(3))]
    path = film(tmp_path / "a.mkv", TIMES, tracks, options=options, paint=combed)
    with av.open(str(path)) as file:
        assert next(file.decode(video=0)).interlaced_frame
    made = skim.write(tmp_path / "b.mp4", path, SPANS)
    assert numbers(tmp_path / "b.mp4") == NUMBERS
    before = np.mean([combs(image) for _, image in shown(path)])
    after = np.mean([combs(image) for _, image in shown(tmp_path / "b.mp4")])
    assert before > 20
    assert after < before / 8
    found_CK, rate = heard(tmp_path / "b.mp4", made.seconds)
    assert np.abs(found_CK[0, : round(made.seconds * rate)]).mean() > 0.05
    with av.open(str(tmp_path / "b.mp4")) as file:
        picture_of = file.streams.video[0]
        assert float(picture_of.duration * picture_of.time_base) == pytest.approx(made.seconds)


def test_a_single_interlaced_frame_keeps_its_sound(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mkv", TIMES, [Track(noise(3))], options={"x264-params": "tff=1"})
    made = skim.write(tmp_path / "b.mp4", path, [(1.0, 1.04)])
    assert numbers(tmp_path / "b.mp4") == [25]
    found_CK, rate = heard(tmp_path / "b.mp4", made.seconds)
    assert np.abs(found_CK[0, round(0.01 * rate) : round(0.03 * rate)]).mean() > 0.05


def test_one_frame_is_a_film(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    video.encode(path, [picture(7)], 25, SIZE)
    made = skim.write(tmp_path / "b.mp4", path, [(0, 0.04)])
    assert numbers(tmp_path / "b.mp4") == [7]
    assert made.seconds == pytest.approx(0.04)


def cut_short(folder: Path, ending: str = ".mp4", kept: float = 0.75) -> Path:
    """A film that ends too early, its index still there."""
    source = film(folder / "source.mkv", TIMES, [Track(noise(3))], options={"bf": "0"})
    skim.write(folder / "whole.mp4", source, [(0, 2.4)])
    whole = (source if ending == ".mkv" else folder / "whole.mp4").read_bytes()
    path = folder / f"a{ending}"
    path.write_bytes(whole[: round(len(whole) * kept)])
    return path


@pytest.mark.parametrize(("ending", "kept"), [(".mp4", 0.75), (".mkv", 0.5)])
def test_of_a_film_cut_short_what_decodes_is_used_and_said(
    tmp_path: Path, ending: str, kept: float
) -> None:
    path = cut_short(tmp_path, ending, kept)
    known = timing.timing(path)
    assert 1.24 < known.end < 2.0
    made = skim.write(tmp_path / "b.mp4", path, [(0.4, 1.0), (1.2, 2.2), (2.3, 2.4)])
    assert numbers(tmp_path / "b.mp4") == [*range(10, 25), *range(30, len(known.clock.times_N))]
    assert made.kept[-1].end == pytest.approx(known.end)
    assert f"its first {known.end:.1f} seconds decode" in made.said[0]
    with pytest.raises(UserError, match="all spans are later"):
        skim.write(tmp_path / "c.mp4", path, [(2.2, 2.3)])


def test_a_film_that_decodes_less_far_than_was_known_is_cut_there(tmp_path: Path) -> None:
    path = cut_short(tmp_path)
    known = timing.timing(tmp_path / "whole.mp4")
    made = skim.write(tmp_path / "b.mp4", path, [(0.4, 1.0), (1.2, 2.2)], known)
    assert numbers(tmp_path / "b.mp4")[:15] == list(range(10, 25))
    assert made.kept[-1].end < 2.0
    assert made.said
    with av.open(str(tmp_path / "b.mp4")) as file:
        assert file.duration / 1e6 == pytest.approx(made.seconds, abs=0.03)


def test_what_is_no_film_is_one_message(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_text("no film")
    with pytest.raises(UserError, match=r"a\.mp4 cannot be decoded"):
        skim.write(tmp_path / "b.mp4", path, SPANS)
    assert [each.name for each in tmp_path.iterdir()] == ["a.mp4"]


def test_damaged_packets_of_sound_are_silence_and_the_rest_stays_in_step(tmp_path: Path) -> None:
    source = noise(3)
    path = film(tmp_path / "a.mkv", TIMES, [Track(source, codec="aac")])
    with av.open(str(path)) as file:
        packets = [bytes(packet) for packet in file.demux(audio=0)]
    content = path.read_bytes()
    for packet in packets[22:26]:
        assert content.count(packet) == 1
        content = content.replace(packet, bytes(len(packet)))
    path.write_bytes(content)
    made = skim.write(tmp_path / "b.mp4", path, SPANS)
    assert any("packets of sound do not decode" in line for line in made.said)
    found_CK, rate = heard(tmp_path / "b.mp4", made.seconds)
    part_K = found_CK[0, round(0.95 * rate) :][: rate // 5]
    assert lag(part_K, source[0], round(1.95 * rate), rate // 20)[0] == pytest.approx(0, abs=48)


def spoiled(path: Path, numbers: list[int]) -> Path:
    """A film of some of whose packets of the picture nothing is left but zeros."""
    with av.open(str(path)) as file:
        packets = [bytes(packet) for packet in file.demux(video=0)]
    content = path.read_bytes()
    for number in numbers:
        assert content.count(packets[number]) == 1
        content = content.replace(packets[number], bytes(len(packets[number])))
    path.write_bytes(content)
    return path


def test_damaged_frames_are_left_out_and_what_follows_is_where_it_was(tmp_path: Path) -> None:
    """Every frame a picture of its own, so that no other refers to what is missing."""
    path = film(tmp_path / "a.mkv", TIMES, [Track(noise(3), codec="aac")], options={"g": "1"})
    spoiled(path, [12, 13, 30])
    found = timing.timing(path)
    assert found.damage == f"{path}: 3 frames do not decode; the rest is used"
    assert not found.early
    np.testing.assert_allclose(
        found.clock.times_N, np.delete(np.array(TIMES), [12, 13, 30]), atol=2e-3
    )
    made = skim.write(tmp_path / "b.mp4", path, [(0.4, 1.0), (1.6, 2.0)], found)
    assert not made.said
    assert numbers(tmp_path / "b.mp4") == [10, 11, *range(14, 25), *range(40, 50)]
    assert [(piece.start, piece.end) for piece in made.kept] == [(0.4, 1.0), (1.6, 2.0)]
    with pytest.raises(UserError, match=r"a\.mkv cannot be decoded .* get it anew"):
        video.count(path)


def test_parts_that_count_anew_stay_in_step(tmp_path: Path) -> None:
    """Two transport streams one after the other, as cameras and `cat` join them."""
    first = film(tmp_path / "1.ts", TIMES, [Track(noise(2.4, 1), codec="mp2")])
    again = film(
        tmp_path / "2.ts",
        TIMES,
        [Track(noise(2.4, 2), codec="mp2")],
        paint=lambda number, size: picture(number + 60, size),
    )
    path = tmp_path / "a.ts"
    path.write_bytes(first.read_bytes() + again.read_bytes())
    made = skim.write(tmp_path / "b.mp4", path, [(0.4, 1.0), (3.2, 4.2)])
    assert numbers(tmp_path / "b.mp4") == [*range(10, 25), *range(80, 105)]
    found_CK, rate = heard(tmp_path / "b.mp4", made.seconds)
    part_K = found_CK[0, round(0.7 * rate) :][: rate // 4]
    behind, agreement = lag(part_K, noise(2.4, 2)[0], round(0.9 * rate), rate // 10)
    assert agreement > 0.7
    assert abs(behind) < rate // 25


def test_a_part_that_is_left_out_whole_takes_no_other_out_of_step(tmp_path: Path) -> None:
    """Of three recordings, the first of which begins late by its clock."""
    for number in range(3):
        start = 3600.0 * (number == 0)
        film(
            tmp_path / f"{number}.ts",
            [start + time for time in TIMES],
            [Track(noise(2.4, number), start=start, codec="mp2")],
            paint=lambda shown, size, first=60 * number: picture(shown + first, size),
        )
    path = tmp_path / "a.ts"
    path.write_bytes(b"".join((tmp_path / f"{number}.ts").read_bytes() for number in range(3)))
    for spans, parts in (([(0.4, 1.4), (5.2, 6.2)], [0, 2]), ([(2.8, 3.8)], [1])):
        made = skim.write(tmp_path / "b.mp4", path, spans)
        found_CK, rate = heard(tmp_path / "b.mp4", made.seconds)
        for place, part in enumerate(parts):
            part_K = found_CK[0, round((place + 0.3) * rate) :][: rate // 4]
            at = spans[place][0] + 0.3 - 2.4 * part
            behind, agreement = lag(part_K, noise(2.4, part)[0], round(at * rate), rate // 10)
            assert agreement > 0.7
            assert abs(behind) < rate // 25


def test_frames_of_another_size_are_fitted_in(tmp_path: Path) -> None:
    """A broadcast whose picture changes from 96 x 64 to 64 x 96, upright in the middle then."""
    film(tmp_path / "1.ts", TIMES)
    film(
        tmp_path / "2.ts",
        TIMES,
        size=(64, 96),
        paint=lambda _, size: np.full((size[1], size[0], 3), 200, np.uint8),
    )
    path = tmp_path / "a.ts"
    path.write_bytes((tmp_path / "1.ts").read_bytes() + (tmp_path / "2.ts").read_bytes())
    skim.write(tmp_path / "b.mp4", path, [(2.0, 2.8)])
    images = [image for _, image in shown(tmp_path / "b.mp4")]
    assert {image.shape for image in images} == {(64, 96, 3)}
    assert [number_of(image) for image in images[:10]] == list(range(50, 60))
    after = images[15].mean(axis=(0, 2))
    assert after[:20].max() < 30
    assert after[32:64].min() > 180
    assert after[-20:].max() < 30


@needs_ffmpeg
def test_ffmpeg_plays_it_from_end_to_end(tmp_path: Path) -> None:
    source = noise(3)
    path = film(tmp_path / "a film.mkv", TIMES, [Track(source)])
    made = skim.write(tmp_path / "b.mp4", path, SPANS)
    command = ["ffmpeg", "-v", "error", "-i", str(tmp_path / "b.mp4")]
    raw = subprocess.run(
        [*command, "-vsync", "passthrough", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"],
        check=True,
        capture_output=True,
    )
    assert raw.stderr == b""
    images = np.frombuffer(raw.stdout, np.uint8).reshape(-1, SIZE[1], SIZE[0], 3)
    assert [number_of(image) for image in images] == NUMBERS
    raw = subprocess.run([*command, "-f", "f32le", "-"], check=True, capture_output=True)
    found_K = np.frombuffer(raw.stdout, np.float32)
    assert len(found_K) / 48_000 == pytest.approx(made.seconds, abs=0.03)
    for kept in made.kept:
        part_K = found_K[round((kept.begins + 0.1) * 48_000) :][:12_000]
        behind, agreement = lag(part_K, source[0], round((kept.start + 0.1) * 48_000), 2400)
        assert agreement > 0.7
        assert abs(behind) <= 24  # which is what Matroska rounds to

"""A film cut down without encoding it anew: at keyframes, every packet as it was."""

import shutil
import subprocess
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numbered_films import Track, film, heard, lag, noise, number_of, shown

from stages.errors import UserError
from stages.media import keyframes, remux
from stages.media.looking import look
from stages.media.reel import Kept
from stages.media.seeking import Reader
from stages.media.settings import Looking
from stages.work.store import Store

TIMES = np.arange(250) / 25
KEYED = {"g": "24", "keyint_min": "24", "sc_threshold": "0"}
SPANS = [(1.0, 2.0), (4.1, 4.9), (7.7, 9.0)]


def keyed(path: Path, tracks: Sequence[Track] = (), **more: object) -> Path:
    """A picture of its own every 24 frames, 0.96 seconds."""
    options = {**KEYED, **more.pop("options", {})}  # type: ignore[dict-item]
    return film(path, TIMES.tolist(), tracks, options=options, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("ending", [".mkv", ".mp4", ".mov", ".ts"])
@pytest.mark.parametrize("bframes", ["0", "2"])
def test_pieces_begin_at_the_keyframe_before_and_end_within_frames(
    tmp_path: Path, ending: str, bframes: str
) -> None:
    source = noise(10)
    path = keyed(
        tmp_path / f"a film{ending}", [Track(source, codec="aac")], options={"bf": bframes}
    )
    made = remux.copy(tmp_path / "b.mp4", path, SPANS)
    seen = shown(tmp_path / "b.mp4")
    starts = [24, 96, 192]
    assert [round(kept.start * 25) for kept in made.kept] == starts
    ends = [round(kept.end * 25) for kept in made.kept]
    for end, wanted in zip(ends, (50, 123, 225), strict=True):
        assert wanted - 1 <= end <= wanted + 3
    numbers = [n for start, end in zip(starts, ends, strict=True) for n in range(start, end)]
    assert [number_of(image) for _, image in seen] == numbers
    assert made.frames == len(numbers)
    times = np.array([time for time, _ in seen])
    np.testing.assert_allclose(times - times[0], np.arange(len(numbers)) / 25, atol=2e-3)
    found_CK, rate = heard(tmp_path / "b.mp4", made.seconds)
    for kept in made.kept:
        for after in (0.1, kept.end - kept.start - 0.4):
            part_K = found_CK[0, round((times[0] + kept.begins + after) * rate) :][: rate // 4]
            at = round((kept.start + after) * rate)
            behind, agreement = lag(part_K, source[0], at, rate // 10)
            assert agreement > 0.7
            assert abs(behind) < rate / 25  # a frame
    assert "begins up to 0.26 seconds early" in made.said[0]


def test_where_keyframes_happen_to_lie_at_the_cuts_there_is_nothing_to_warn_of(
    tmp_path: Path,
) -> None:
    path = keyed(tmp_path / "a.mkv")
    assert (
        remux.copy(tmp_path / "b.mp4", path, [(24 / 25, 48 / 25), (96 / 25, 120 / 25)]).said == ()
    )
    assert remux.copy(tmp_path / "b.mp4", path, [(24 / 25, 40 / 25), (100 / 25, 120 / 25)]).said


def test_sound_goes_on_to_the_sample_where_its_container_rounds(tmp_path: Path) -> None:
    path = keyed(tmp_path / "a.mkv", [Track(noise(10), codec="aac")])
    remux.copy(tmp_path / "b.mp4", path, SPANS[:1])
    with av.open(str(tmp_path / "b.mp4")) as file:
        stamps = [packet.pts for packet in file.demux(audio=0) if packet.size]
    assert set(np.diff(stamps)) == {1024}


def test_packets_are_as_they_were(tmp_path: Path) -> None:
    path = keyed(tmp_path / "a.mp4")
    remux.copy(tmp_path / "b.mp4", path, SPANS)
    packets = []
    for each in (path, tmp_path / "b.mp4"):
        with av.open(str(each)) as file:
            packets.append([bytes(packet) for packet in file.demux(video=0) if packet.size])
    assert set(packets[1]) <= set(packets[0])


def test_pieces_that_would_overlap_are_one(tmp_path: Path) -> None:
    path = keyed(tmp_path / "a.mp4")
    made = remux.copy(tmp_path / "b.mp4", path, [(1.0, 2.4), (2.6, 3.0), (5.0, 5.2)])
    assert [round(kept.start * 25) for kept in made.kept] == [24, 120]


def test_the_whole_film_is_copied_whole(tmp_path: Path) -> None:
    path = keyed(tmp_path / "a.mp4")
    told: list[tuple[int, int]] = []
    remux.copy(tmp_path / "b.mp4", path, [(0, 10)], lambda *each: told.append(each))
    assert [number_of(image) for _, image in shown(tmp_path / "b.mp4")] == list(range(250))
    assert told == [(done, 250) for done in range(1, 251)]


def test_variable_times_stay_variable(tmp_path: Path) -> None:
    times = np.cumsum(np.r_[0, np.random.default_rng(3).choice([0.02, 0.04, 0.2], 199)])
    path = film(tmp_path / "a.mkv", times.tolist(), options=KEYED)
    made = remux.copy(tmp_path / "b.mp4", path, [(3.0, 5.0), (9.0, 11.0)])
    wanted = [
        (kept.begins + time - kept.start, number)
        for kept in made.kept
        for number, time in enumerate(times)
        if kept.start - 1e-3 <= time < kept.end - 1e-3
    ]
    seen = shown(tmp_path / "b.mp4")
    assert [number_of(image) for _, image in seen] == [number for _, number in wanted]
    found = np.array([time for time, _ in seen])
    np.testing.assert_allclose(found - found[0], [time for time, _ in wanted], atol=2e-3)


def test_a_film_on_its_side_stays_upright(tmp_path: Path) -> None:
    turned = [0, 1 << 16, 0, -1 << 16, 0, 0, 0, 0, 1 << 30]
    path = keyed(tmp_path / "a.mp4", matrix=turned)
    remux.copy(tmp_path / "b.mp4", path, SPANS)
    (_, before), (_, after) = shown(path)[24], shown(tmp_path / "b.mp4")[0]
    np.testing.assert_array_equal(before, after)
    assert after.shape[0] > after.shape[1]


def test_a_cover_is_left_behind_and_the_default_track_is_kept(tmp_path: Path) -> None:
    tracks = [Track(noise(10, 1), codec="aac"), Track(noise(10, 2), codec="aac", default=True)]
    path = keyed(tmp_path / "a.mkv", tracks)
    remux.copy(tmp_path / "b.mp4", path, SPANS)
    with av.open(str(tmp_path / "b.mp4")) as file:
        assert [stream.type for stream in file.streams] == ["video", "audio"]
    found_CK, rate = heard(tmp_path / "b.mp4", 3)
    at = round((0.96 + 0.5) * rate)
    assert lag(found_CK[0, rate // 2 :][: rate // 4], noise(10, 2)[0], at, rate // 10)[1] > 0.7
    cover = keyed(tmp_path / "c.mp4", cover=True)
    remux.copy(tmp_path / "d.mp4", cover, SPANS)
    with av.open(str(tmp_path / "d.mp4")) as file:
        assert [stream.type for stream in file.streams] == ["video"]
        assert file.streams.video[0].width == 96


def test_pixels_that_only_the_container_says_are_not_square_stay_so(tmp_path: Path) -> None:
    keys = {"g": "24", "keyint_min": "24", "deadline": "realtime", "cpu-used": "8"}
    aspect = Fraction(4, 3)
    path = film(
        tmp_path / "a.mp4", TIMES[:75].tolist(), codec="libvpx-vp9", options=keys, aspect=aspect
    )
    remux.copy(tmp_path / "b.mp4", path, [(1.0, 2.0)])
    (_, before), (_, after) = shown(path)[0], shown(tmp_path / "b.mp4")[0]
    assert before.shape == after.shape == (64, 128, 3)


def test_hevc_is_named_as_every_player_knows_it(tmp_path: Path) -> None:
    keys = {"x265-params": "keyint=24:min-keyint=24:scenecut=0:log-level=none"}
    path = film(tmp_path / "a.mkv", TIMES[:75].tolist(), codec="libx265", options=keys)
    remux.copy(tmp_path / "b.mp4", path, [(1.0, 2.0)])
    with av.open(str(tmp_path / "b.mp4")) as file:
        assert file.streams.video[0].codec_context.codec_tag == "hvc1"
    assert number_of(shown(tmp_path / "b.mp4")[0][1]) == 24


def test_what_the_muxer_refuses_is_said_of_the_film(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = keyed(tmp_path / "a.mkv")

    def refuse(*_: object) -> None:
        raise av.error.ExperimentalError(1, "add '-strict -2' if you want to use it")

    monkeypatch.setattr(remux._Placed, "shown", refuse)
    with pytest.raises(UserError, match=r"a\.mkv: .*cannot be written as an MP4.*without --copy"):
        remux.copy(tmp_path / "b.mp4", path, SPANS)
    assert not (tmp_path / "b.mp4").exists()

    def fill(*_: object) -> None:
        raise av.error.OSError(28, "No space left on device")

    monkeypatch.setattr(remux._Placed, "shown", fill)
    with pytest.raises(OSError, match="No space left"):
        remux.copy(tmp_path / "b.mp4", path, SPANS)


@pytest.mark.parametrize(
    ("name", "codec", "tracks", "said"),
    [
        ("a.webm", "libvpx", [], r"cannot hold its video as it is coded \(vp8\)"),
        ("a.avi", "libx264", [], "does not say when each frame is shown"),
    ],
)
def test_what_cannot_be_copied_is_refused_with_the_remedy(
    tmp_path: Path, name: str, codec: str, tracks: list[Track], said: str
) -> None:
    path = film(tmp_path / name, TIMES.tolist(), tracks, codec=codec)
    with pytest.raises(UserError, match=f"{said}.*encoded anew, without --copy"):
        remux.copy(tmp_path / "b.mp4", path, SPANS)
    assert [each.name for each in tmp_path.iterdir()] == [name]


def test_films_joined_of_parts_and_spans_past_the_end_are_refused(tmp_path: Path) -> None:
    path = keyed(tmp_path / "a.ts")
    path.write_bytes(path.read_bytes() * 2)
    with pytest.raises(UserError, match="count from their own beginning"):
        remux.copy(tmp_path / "b.mp4", path, SPANS)
    whole = keyed(tmp_path / "c.mp4")
    with pytest.raises(UserError, match=r"lasts 10\.000 seconds"):
        remux.copy(tmp_path / "b.mp4", whole, [(8, 12)])
    assert not (tmp_path / "b.mp4").exists()


def long_film(path: Path, ending: str) -> Path:
    """A minute and a half, ten frames a second, a picture of its own every two seconds."""
    options = {"g": "20", "keyint_min": "20", "sc_threshold": "0", "bf": "2"}
    tracks = [Track(noise(90), codec="aac")]
    return film(path / f"long{ending}", (np.arange(900) / 10).tolist(), tracks, options=options)


def packets_read(
    path: Path, target: Path, monkeypatch: pytest.MonkeyPatch, spans: Sequence[tuple[float, float]]
) -> int:
    """How many packets a copy reads besides those it looks for the keyframes in."""
    count = 0
    read = keyframes.read

    def counted(*given: Any) -> Any:
        nonlocal count
        for packet in read(*given):
            count += 1
            yield packet

    known = keyframes.packets(path)
    with monkeypatch.context() as patched:
        patched.setattr(keyframes, "read", counted)
        remux.copy(target, path, spans, known=known)
    return count


FAR_APART = [(4.5, 6.0), (44.5, 46.0), (84.0, 85.2)]


@pytest.mark.parametrize("ending", [".mp4", ".mkv"])
def test_what_lies_far_from_the_pieces_is_not_read_and_the_copy_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    path = long_film(tmp_path, ending)
    quick = packets_read(path, tmp_path / "b.mp4", monkeypatch, FAR_APART)
    monkeypatch.setattr(Reader, "_leads", lambda *_: False)
    whole = packets_read(path, tmp_path / "c.mp4", monkeypatch, FAR_APART)
    assert quick < whole / 2
    assert (tmp_path / "b.mp4").read_bytes() == (tmp_path / "c.mp4").read_bytes()


@pytest.mark.parametrize("late", [1.0, 30.0])
def test_where_seeking_leads_past_a_piece_the_film_is_read_from_its_beginning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, late: float
) -> None:
    path = long_film(tmp_path, ".mp4")
    remux.copy(tmp_path / "b.mp4", path, FAR_APART)

    def lands_late(self: Reader, source: Any, picture: Any, start: int) -> None:
        base = self._packets.base
        ends = int(self._packets.pts_N.max())
        source.seek(min(int(start + (2 + late) / base), ends), stream=picture)

    monkeypatch.setattr(Reader, "_seek", lands_late)
    remux.copy(tmp_path / "c.mp4", path, FAR_APART)
    assert (tmp_path / "b.mp4").read_bytes() == (tmp_path / "c.mp4").read_bytes()


def test_what_a_container_says_is_read_once(
    film_of_scenes: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = look(film_of_scenes, Looking(short_side=96), store)
    first = keyframes.kept(seen, store)
    monkeypatch.setattr(keyframes, "packets", None)
    again = keyframes.kept(seen, store)
    np.testing.assert_array_equal(first.pts_N, again.pts_N)
    np.testing.assert_array_equal(first.keys, again.keys)
    assert (first.base, first.first, first.end) == (again.base, again.first, again.end)


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg not installed")
def test_ffmpeg_plays_the_copy_without_a_word(tmp_path: Path) -> None:
    path = keyed(tmp_path / "a.mkv", [Track(noise(10), codec="aac")])
    remux.copy(tmp_path / "b.mp4", path, SPANS)
    command = ["ffmpeg", "-v", "warning", "-i", str(tmp_path / "b.mp4"), "-f", "null", "-"]
    played = subprocess.run(command, check=True, capture_output=True, text=True)
    assert played.stderr == ""


def test_a_span_that_rounding_puts_before_its_piece_is_not_early() -> None:
    kept = [Kept(10.0, 12.0, 0.0), Kept(50.0, 52.0, 2.0)]
    assert remux._off(Path("film"), [(10.0, 12.0), (50.0 - 1e-9, 52.0)], kept) == ()
    (said,) = remux._off(Path("film"), [(10.0, 12.0), (50.5, 52.0)], kept)
    assert "up to 0.50 seconds early (0.25 on average), and is 0.50 seconds longer" in said

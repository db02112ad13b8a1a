"""A film cut down to spans of its time: the frames that were there, and the sound they had."""

from collections.abc import Sequence
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pytest
from numbered_films import Track, film, heard, lag, noise, number_of, shown

from stages.errors import UserError
from stages.media import skim, timing
from stages.media.skim import Skim

NTSC = np.arange(300) * 1001 / 30_000
VARIABLE = np.cumsum(np.r_[0, np.random.default_rng(3).choice([0.02, 0.033, 0.05, 0.2], 249)])
SPANS = [(0.5, 2.0), (3.11, 4.4), (6.0, 8.25)]


def expected(times: npt.NDArray[np.float64], end: float, made: Skim) -> list[tuple[float, int]]:
    """Straight from what a player would show: number and time in the skim of each frame."""
    found = []
    ends = [*times[1:], end]
    for kept in made.kept:
        for number, (time, until) in enumerate(zip(times, ends, strict=True)):
            begin, stop = max(time, kept.start), min(until, kept.end)
            if stop - begin > 1e-5:
                found.append((kept.begins + begin - kept.start, number))
    return found


def agrees(path: Path, made: Skim, times: npt.NDArray[np.float64], end: float) -> None:
    wanted = expected(times, end, made)
    seen = shown(path)
    assert [number_of(image) for _, image in seen] == [number for _, number in wanted]
    found = np.array([time for time, _ in seen])
    np.testing.assert_allclose(found, [time for time, _ in wanted], atol=2e-5)


def in_step(path: Path, made: Skim, source_K: npt.NDArray[np.float32], ahead: float = 0.0) -> None:
    """In every piece, its first and last quarter of a second lie where the film has them to within
    a millisecond.
    """
    found_CK, rate = heard(path, made.seconds)
    for kept in made.kept:
        length = min(0.25, kept.end - kept.start - 0.02)
        for begin in (0.01, kept.end - kept.start - length - 0.01):
            first = round((kept.begins + begin) * rate)
            part_K = found_CK[0, first : first + round(length * rate)]
            at = round((kept.start + begin + ahead) * rate)
            behind, agreement = lag(part_K, source_K, at, rate // 20)
            assert agreement > 0.7
            assert abs(behind) <= rate // 1000


@pytest.mark.parametrize(
    ("times", "name"),
    [
        (NTSC, "a film.mkv"),
        (NTSC, "घर 12:30 의 фильм.mov"),
        (np.arange(400) / 60, "sixty.mp4"),
        (np.arange(240) * 1001 / 24_000, "cinema.mkv"),
        (VARIABLE, "telephone.mkv"),
        (VARIABLE + 1.5, "late.mkv"),
    ],
)
def test_frames_and_sound_are_the_films_at_the_chosen_times(
    tmp_path: Path, times: npt.NDArray[np.float64], name: str
) -> None:
    codec = "aac" if name.endswith("mp4") else "pcm_s16le"
    track = Track(noise(13), codec=codec)
    path = film(tmp_path / name, times.tolist(), [track])
    whole = times[-1] - times[0] + times[-1] - times[-2]
    spans = [(start, min(end, whole)) for start, end in SPANS]
    target = tmp_path / "out" / f"{name}.summary.mp4"
    made = skim.write(target, path, spans)
    agrees(target, made, times - times[0], whole)
    in_step(target, made, track.samples_CK[0], times[0])
    assert made.sound
    assert made.said == ()
    asked = sum(end - start for start, end in spans)
    assert made.seconds == pytest.approx(asked, abs=0.2)
    lasts(target, made.seconds)


def lasts(path: Path, seconds: float) -> None:
    """To within a frame of AAC, by the file's own word."""
    with av.open(str(path.absolute())) as file:
        assert file.duration / 1e6 == pytest.approx(seconds, abs=0.03)


def test_cuts_are_at_the_nearest_frame_and_touching_spans_are_one(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mkv", (np.arange(100) / 10).tolist())
    made = skim.write(tmp_path / "b.mp4", path, [(1.04, 2.06), (3, 4), (4.02, 5)])
    assert [(kept.start, kept.end, kept.begins) for kept in made.kept] == [
        (1.0, 2.1, 0.0),
        (3.0, 5.0, pytest.approx(1.1)),
    ]


def test_a_cut_in_a_frame_shown_for_long_is_there(tmp_path: Path) -> None:
    times = np.r_[np.arange(20) / 10, 8.0, 8.1, 8.2]
    path = film(tmp_path / "slides.mov", times.tolist(), [Track(noise(9))], options={"bf": "0"})
    known = timing.timing(path)
    assert known.end == pytest.approx(8.3)
    made = skim.write(tmp_path / "b.mp4", path, [(3.0, 4.0), (6.5, 8.1)], known)
    assert [(kept.start, kept.end) for kept in made.kept] == [(3.0, 4.0), (6.5, 8.1)]
    agrees(tmp_path / "b.mp4", made, times, 8.3)
    in_step(tmp_path / "b.mp4", made, noise(9)[0])
    assert made.seconds == pytest.approx(2.6)
    lasts(tmp_path / "b.mp4", 2.6)


def test_slides_are_not_drawn_to_their_beginnings(tmp_path: Path) -> None:
    path = film(tmp_path / "slides.mov", [0.0, 5.0, 10.0, 15.0])
    made = skim.write(tmp_path / "b.mp4", path, [(1.0, 2.5), (6.0, 11.0)])
    assert [(kept.start, kept.end) for kept in made.kept] == [(1.0, 2.5), (6.0, 11.0)]
    seen = [(round(time, 6), number_of(image)) for time, image in shown(tmp_path / "b.mp4")]
    assert seen == [(0, 0), (1.5, 1), (5.5, 2)]
    lasts(tmp_path / "b.mp4", 6.5)


def test_a_span_within_a_frame_keeps_that_frame(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mkv", (np.arange(50) / 10).tolist())
    made = skim.write(tmp_path / "b.mp4", path, [(1.01, 1.02), (4.999, 5.0)])
    assert [number_of(image) for _, image in shown(tmp_path / "b.mp4")] == [10, 49]
    assert made.seconds == pytest.approx(0.2)


def test_the_whole_film_is_a_span_too(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mkv", VARIABLE.tolist(), [Track(noise(20))])
    end = timing.timing(path).end
    made = skim.write(tmp_path / "b.mp4", path, [(0, end)])
    agrees(tmp_path / "b.mp4", made, VARIABLE, end)
    in_step(tmp_path / "b.mp4", made, noise(20)[0])


def test_without_sound_there_is_none(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mkv", NTSC.tolist())
    made = skim.write(tmp_path / "b.mp4", path, SPANS)
    assert not made.sound
    with av.open(str(tmp_path / "b.mp4")) as file:
        assert [stream.type for stream in file.streams] == ["video"]


def test_where_sound_starts_late_or_ends_early_there_is_silence(tmp_path: Path) -> None:
    source = noise(3)
    path = film(tmp_path / "a.mkv", NTSC.tolist(), [Track(source, start=2.0)])
    made = skim.write(tmp_path / "b.mp4", path, [(1.0, 3.0), (4.0, 6.0), (7, 8)])
    found_CK, rate = heard(tmp_path / "b.mp4", made.seconds)
    begins = [kept.begins for kept in made.kept]

    def loud(start: float, end: float) -> float:
        return float(np.abs(found_CK[0, round(start * rate) : round(end * rate)]).mean())

    starts = 2.0 - made.kept[0].start
    ends = 5.0 - made.kept[1].start + begins[1]
    assert loud(0, starts - 0.05) < 1e-3
    assert loud(starts + 0.01, begins[1] - 0.01) > 0.05
    assert loud(begins[1] + 0.01, ends - 0.01) > 0.05
    assert loud(ends + 0.05, made.seconds) < 1e-3
    part_K = found_CK[0, round((starts + 0.1) * rate) :][: rate // 4]
    assert lag(part_K, source[0], round(0.1 * rate), rate // 20)[0] == pytest.approx(0, abs=48)


def test_cuts_do_not_click(tmp_path: Path) -> None:
    steady = np.full((1, 480_000), 0.5, np.float32)
    path = film(tmp_path / "a.mkv", NTSC.tolist(), [Track(steady)])
    made = skim.write(tmp_path / "b.mp4", path, SPANS)
    found_CK, rate = heard(tmp_path / "b.mp4", made.seconds)
    for kept in made.kept[1:]:
        cut = round(kept.begins * rate)
        assert abs(found_CK[0, cut - 24 : cut + 24]).max() < 0.1
        assert found_CK[0, cut + 480 : cut + 4800].min() > 0.4


def test_of_several_tracks_the_default_one_is_heard(tmp_path: Path) -> None:
    tracks = [Track(noise(10, 1)), Track(noise(10, 2), default=True), Track(noise(10, 3))]
    path = film(tmp_path / "a.mkv", NTSC.tolist(), tracks)
    made = skim.write(tmp_path / "b.mp4", path, SPANS)
    in_step(tmp_path / "b.mp4", made, noise(10, 2)[0])


@pytest.mark.parametrize(("rate", "layout"), [(44_100, "stereo"), (48_000, "5.1")])
def test_sound_of_other_kinds_stays_in_step(tmp_path: Path, rate: int, layout: str) -> None:
    channels = 2 if layout == "stereo" else 6
    source = noise(10, rate=rate)
    track = Track(np.repeat(source, channels, 0), rate=rate, layout=layout, codec="aac")
    path = film(tmp_path / "a.mkv", NTSC.tolist(), [track])
    made = skim.write(tmp_path / "b.mp4", path, SPANS)
    found_CK, found_rate = heard(tmp_path / "b.mp4", made.seconds)
    assert (found_CK.shape[0], found_rate) == (2, rate)
    in_step(tmp_path / "b.mp4", made, source[0])


def test_a_rate_that_aac_does_not_know_is_resampled_in_step(tmp_path: Path) -> None:
    from scipy.signal import resample_poly

    slow = noise(10, rate=18_900)
    path = film(tmp_path / "a.mkv", NTSC.tolist(), [Track(slow, rate=18_900)])
    made = skim.write(tmp_path / "b.mp4", path, SPANS)
    in_step(tmp_path / "b.mp4", made, resample_poly(slow[0], 160, 63).astype(np.float32))


@pytest.mark.parametrize(
    ("spans", "said"),
    [
        ([], "no span"),
        ([(2, 3), (1, 2)], "follow one another"),
        ([(1, 3), (2, 4)], "follow one another"),
        ([(1, 1)], "follow one another"),
        ([(-1, 1)], "follow one another"),
        ([(1, float("nan"))], "follow one another"),
        ([(1, 11)], r"lasts 10\.010 seconds"),
    ],
)
def test_spans_that_cannot_be_are_refused(
    tmp_path: Path, spans: Sequence[tuple[float, float]], said: str
) -> None:
    path = film(tmp_path / "a.mkv", NTSC.tolist())
    with pytest.raises(UserError, match=said):
        skim.write(tmp_path / "b.mp4", path, spans)
    assert [each.name for each in tmp_path.iterdir()] == ["a.mkv"]


def test_what_was_stopped_leaves_nothing_and_progress_is_told(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mkv", NTSC.tolist(), [Track(noise(10))])
    told: list[tuple[int, int]] = []

    def stop(done: int, frames: int) -> None:
        told.append((done, frames))
        if done == 100:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        skim.write(tmp_path / "b.mp4", path, SPANS, told=stop)
    assert [each.name for each in tmp_path.iterdir()] == ["a.mkv"]
    told.clear()
    skim.write(tmp_path / "b.mp4", path, SPANS, told=lambda *each: told.append(each))
    last = round(8.25 * 30_000 / 1001)
    assert told == [(done, last) for done in range(1, last + 1)]


def test_the_same_film_gives_the_same_bytes(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mkv", NTSC.tolist(), [Track(noise(10))])
    for name in ("b.mp4", "c.mp4"):
        skim.write(tmp_path / name, path, SPANS)
    assert (tmp_path / "b.mp4").read_bytes() == (tmp_path / "c.mp4").read_bytes()


def test_the_index_comes_first_so_that_it_plays_while_it_loads(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mkv", NTSC.tolist())
    skim.write(tmp_path / "b.mp4", path, SPANS)
    whole = (tmp_path / "b.mp4").read_bytes()
    assert whole.index(b"moov") < whole.index(b"mdat")


def test_every_piece_begins_with_a_picture_of_its_own(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mkv", NTSC.tolist())
    made = skim.write(tmp_path / "b.mp4", path, SPANS)
    with av.open(str(tmp_path / "b.mp4")) as file:
        keys = {round(float(p.pts * p.time_base), 4) for p in file.demux(video=0) if p.is_keyframe}
    assert {round(kept.begins, 4) for kept in made.kept} <= keys


def test_a_film_that_decodes_no_more_leaves_the_earlier_skim(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = film(tmp_path / "film.mp4", NTSC.tolist())
    target = tmp_path / "skim.mp4"
    target.write_text("earlier")
    known = timing.timing(source)
    monkeypatch.setattr(skim, "_shown", lambda *_: iter(()))
    with pytest.raises(UserError, match="nothing of the spans to be kept decodes"):
        skim.write(target, source, SPANS, known)
    assert target.read_text() == "earlier"

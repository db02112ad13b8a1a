"""Timecode, by hand and by counting every frame."""

from fractions import Fraction

import pytest

from stages.media.timecode import Timecode

NTSC = 30_000 / 1001


@pytest.mark.parametrize(
    ("fps", "rate", "counted", "drop"),
    [
        (24_000 / 1001, Fraction(24_000, 1001), 24, False),
        (23.976, Fraction(24_000, 1001), 24, False),
        (24, Fraction(24), 24, False),
        (25, Fraction(25), 25, False),
        (NTSC, Fraction(30_000, 1001), 30, True),
        (29.97, Fraction(30_000, 1001), 30, True),
        (30, Fraction(30), 30, False),
        (50, Fraction(50), 50, False),
        (59.94, Fraction(60_000, 1001), 60, True),
        (60, Fraction(60), 60, False),
        (119.88, Fraction(60_000, 1001), 60, True),
        (240, Fraction(60), 60, False),
        (100, Fraction(50), 50, False),
        (24.58, Fraction(25), 25, False),
        (15, Fraction(15), 15, False),
        (0.2, Fraction(1), 1, False),
    ],
)
def test_rates_are_those_that_editors_know(
    fps: float, rate: Fraction, counted: int, drop: bool
) -> None:
    assert Timecode.at(fps) == Timecode(rate, counted, drop)


@pytest.mark.parametrize(
    ("fps", "frame", "text"),
    [
        (25, 0, "00:00:00:00"),
        (25, 25 * 3661 + 7, "01:01:01:07"),
        (24_000 / 1001, 1440, "00:01:00:00"),
        (NTSC, 1799, "00:00:59;29"),
        (NTSC, 1800, "00:01:00;02"),
        (NTSC, 17_981, "00:09:59;29"),
        (NTSC, 17_982, "00:10:00;00"),
        (NTSC, 107_892, "01:00:00;00"),
        (59.94, 3599, "00:00:59;59"),
        (59.94, 3600, "00:01:00;04"),
        (59.94, 35_964, "00:10:00;00"),
        (30, 1800, "00:01:00:00"),
        (25, 25 * 86_400 + 1, "00:00:00:01"),
    ],
)
def test_known_timecodes(fps: float, frame: int, text: str) -> None:
    assert Timecode.at(fps).text(frame) == text


@pytest.mark.parametrize(("fps", "counted", "left_out"), [(NTSC, 30, 2), (59.94, 60, 4)])
def test_every_frame_of_twenty_one_minutes_has_the_next_number(
    fps: float, counted: int, left_out: int
) -> None:
    timecode = Timecode.at(fps)
    frame = 0
    for minute in range(21):
        for second in range(60):
            for number in range(counted):
                if second == 0 and number < left_out and minute % 10:
                    continue
                assert timecode.text(frame) == f"00:{minute:02}:{second:02};{number:02}"
                frame += 1


@pytest.mark.parametrize(
    ("fps", "text"),
    [
        (25, "14:23:05:07"),
        (NTSC, "01:07:31;11"),
        (59.94, "10:00:00;59"),
        (24_000 / 1001, "23:59:59:23"),
    ],
)
def test_a_films_own_timecode_is_read_as_it_is_written(fps: float, text: str) -> None:
    found = Timecode.at(fps).starting(text)
    assert found is not None
    assert found[0].text(found[1]) == text


def test_a_film_that_leaves_no_number_out_is_counted_so() -> None:
    found = Timecode.at(NTSC).starting("00:01:00:00")
    assert found is not None
    assert (found[0].drop, found[1]) == (False, 1800)
    assert found[0].text(1801) == "00:01:00:01"


@pytest.mark.parametrize("text", ["", "1 hour", "00:60:00:00", "00:00:00:25", "00:00:00"])
def test_what_is_no_timecode_of_the_rate_is_none(text: str) -> None:
    assert Timecode.at(25).starting(text) is None


def test_a_time_is_its_nearest_frames() -> None:
    assert Timecode.at(NTSC).frame(3600) == 107_892
    assert Timecode.at(25).frame(1.019) == 25
    assert Timecode.at(25).frame(1.021) == 26

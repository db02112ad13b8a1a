"""Timestamps as files have them, to the times at which frames are shown."""

import numpy as np
import numpy.typing as npt
import pytest

from stages.media import clock

EVEN = np.arange(60) / 30


def stamped(stamps: npt.ArrayLike, lasts: float | None = None, rate: float = 30.0) -> clock.Clock:
    """NaN: a frame without a timestamp."""
    numbers = np.asarray(stamps, dtype=float).tolist()
    return clock.of([None if np.isnan(one) else one for one in numbers], lasts, rate)


AVI = EVEN.reshape(-1, 4)[:, [0, 2, 3, 1]].ravel()  # stamped in the order of storing
HOLES = np.where(np.arange(60) % 7 == 3, np.nan, EVEN)


@pytest.mark.parametrize(
    "stamps",
    [
        EVEN,
        EVEN + 1.4667,
        EVEN.round(3),
        np.floor(EVEN * 1000) / 1000,
        AVI + 1 / 30,
        HOLES,
        np.where(np.arange(60) < 3, np.nan, EVEN),
        np.full(60, np.nan),
        np.full(60, 5.0),
    ],
)
def test_a_constant_rate_is_exactly_that(stamps: npt.NDArray[np.float64]) -> None:
    told = stamped(stamps)
    assert told.fps == 30
    np.testing.assert_array_equal(told.times_N, EVEN)


SLOWER = np.r_[np.arange(45) / 30, 1.5 + np.arange(45) / 10]


@pytest.mark.parametrize("rate", [90 / 6, 30.0, 60000.0])
def test_where_the_rate_varies_the_timestamps_hold(rate: float) -> None:
    told = stamped(SLOWER + 0.2, 0.1, rate)
    np.testing.assert_allclose(told.times_N, SLOWER, atol=1e-9)
    assert told.fps == pytest.approx(90 / 6)


def test_a_last_frame_of_unknown_length_lasts_an_average_one() -> None:
    told = stamped(SLOWER, None, 15.0)
    assert 90 / told.fps == pytest.approx(5.9 + 1 / 15)


def test_frames_stored_in_another_order_are_shown_in_order() -> None:
    told = stamped(np.r_[SLOWER[:40], SLOWER[[41, 40, 43, 42]], SLOWER[44:]], 0.1, 15.0)
    np.testing.assert_array_equal(told.times_N, SLOWER)


def test_a_frame_without_a_timestamp_comes_an_average_frame_after_the_one_before() -> None:
    told = stamped([0, 0.1, np.nan, 1, 3], None, 2.0)
    np.testing.assert_allclose(told.times_N, [0, 0.1, 0.6, 1, 3])
    np.testing.assert_allclose(stamped([np.nan, 1, 3], None, 2.0).times_N, [0, 0.5, 2.5])


def test_parts_that_each_count_from_their_own_beginning_follow_one_another() -> None:
    told = stamped(np.r_[SLOWER, SLOWER, SLOWER], 0.1, 30.0)
    joined = np.r_[SLOWER, SLOWER + 5.9 + 1 / 30, SLOWER + 2 * (5.9 + 1 / 30)]
    np.testing.assert_allclose(told.times_N, joined, atol=1e-9)
    assert (np.diff(stamped(np.r_[EVEN, EVEN]).times_N) > 0).all()


def test_a_leap_is_a_join_where_clocks_jump_and_else_a_picture_that_stands() -> None:
    stamps = [0.0, 0.1, 0.2, 7200.2, 7200.3]
    joined = clock.of(stamps, 0.1, 10.0, leap=clock.LEAP)
    np.testing.assert_allclose(joined.times_N, [0, 0.1, 0.2, 0.3, 0.4], atol=1e-9)
    stands = clock.of([0.0, 0.1, 0.2, 40.2, 40.3], 0.1, 10.0)  # in no such container
    np.testing.assert_allclose(stands.times_N, [0, 0.1, 0.2, 40.2, 40.3], atol=1e-9)


def test_times_never_fall() -> None:
    random = np.random.default_rng(0)
    for _ in range(100):
        stamps = random.normal(0, 3, 50).cumsum()
        stamps[random.random(50) < 0.2] = np.nan
        told = stamped(stamps, None, 5.0)
        assert told.times_N[0] == 0
        assert (np.diff(told.times_N) >= 0).all()
        assert told.fps > 0

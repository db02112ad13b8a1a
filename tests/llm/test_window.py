from hypothesis import given
from hypothesis import strategies as st

from stages.llm.window import windows


def test_a_window_is_cut_short_at_the_ends_of_a_video():
    assert windows("abcde", 3) == [
        ("a", "b"),
        ("a", "b", "c"),
        ("b", "c", "d"),
        ("c", "d", "e"),
        ("d", "e"),
    ]


def test_a_video_shorter_than_the_window_is_seen_whole():
    assert windows(["a", "b"], 7) == [("a", "b"), ("a", "b")]


def test_a_window_of_one_is_the_frame_alone():
    assert windows("abc", 1) == [("a",), ("b",), ("c",)]


@given(st.integers(1, 40), st.integers(0, 6))
def test_each_window_holds_exactly_the_frames_within_reach(count, reach):
    found = windows([str(frame) for frame in range(count)], 2 * reach + 1)
    for centre, window in enumerate(found):
        within = [str(frame) for frame in range(count) if abs(frame - centre) <= reach]
        assert list(window) == within

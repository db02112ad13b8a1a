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


def test_beyond_the_ends_a_window_may_repeat_or_mirror_captions():
    assert windows("abcd", 5, "repeat")[:2] == [tuple("aaabc"), tuple("aabcd")]
    assert windows("abcd", 5, "repeat")[-1] == tuple("bcddd")
    assert windows("abcd", 5, "mirror")[:2] == [tuple("cbabc"), tuple("babcd")]
    assert windows("abcd", 5, "mirror")[-1] == tuple("bcdcb")
    assert windows("ab", 7, "mirror")[0] == tuple("bababab")
    assert windows("a", 5, "mirror") == windows("a", 5, "repeat") == [tuple("aaaaa")]
    assert windows("", 5, "repeat") == []


@given(st.integers(1, 40), st.integers(0, 6), st.sampled_from(["repeat", "mirror"]))
def test_whole_windows_are_the_same_under_every_policy(count, reach, edges):
    captions = [str(frame) for frame in range(count)]
    cut, filled = windows(captions, 2 * reach + 1), windows(captions, 2 * reach + 1, edges)
    assert all(len(window) == 2 * reach + 1 for window in filled)
    assert all(window[reach] == captions[centre] for centre, window in enumerate(filled))
    assert filled[reach : count - reach] == cut[reach : count - reach]

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.llm.reply import completion, parser, share

parse = parser("score: {score}", (0, 10))


@pytest.mark.parametrize(
    ("reply", "score"),
    [
        ("score: 7", 7),
        ("Score:7", 7),
        ("score : 7.5", 7.5),
        ("**Score:** 7", 7),
        ("score: *7*", 7),
        ("score: 7/10", 7),
        ("I would say\nscore:  3\nscore: 9", 3),
        ("score: 0", 0),
        ("score: 10", 10),
    ],
)
def test_the_number_after_the_answers_words_is_the_score(reply, score):
    assert parse(reply) == score


@pytest.mark.parametrize(
    "reply",
    ["", "7", "score:", "score: seven", "score: 11", "score: -1", "the score is high", "scored 7"],
)
def test_what_is_no_score_on_the_scale_is_none(reply):
    assert parse(reply) is None


def test_the_lowest_number_is_worth_something_unless_it_is_0():
    """Or a knapsack would leave a video empty of which an LLM says "1" of 1 to 5 throughout."""
    assert share([1, 2, 5], (1, 5)).tolist() == [0.2, 0.4, 1]
    assert share([0, 10], (0, 10)).tolist() == [0, 1]


def test_the_answers_template_decides_what_comes_before_the_number():
    rating = parser("Rating of the frame = {score} points", (1, 5))
    assert rating("rating of  the frame = 4 points") == 4
    assert rating("score: 4") is None
    assert parser("{score}", (1, 5))("4") == 4


@given(st.text())
def test_any_reply_is_a_score_on_the_scale_or_none(reply):
    score = parse(reply)
    assert score is None or 0 <= score <= 10


@given(st.integers(0, 10), st.text(alphabet="abc .!\n", max_size=9))
def test_whatever_follows_the_number_is_ignored(score, tail):
    assert parse(f"score: {score} {tail}") == score


complete = completion("score: {score}")


@pytest.mark.parametrize(
    ("reply", "following", "expected"),
    [
        ("score: 7", "\n", True),
        ("score: 7", " because", True),
        ("score: 1", "0", False),
        ("score: 7", ".", False),
        ("score: 7.", "5", False),
        ("score: 7.", "\n", True),
        ("score: 7.5", " of", True),
        ("score:", " 7", False),
        ("I would say", " 7", False),
        ("score: 12", " of 10", True),
        ("score: 7", "", False),
    ],
)
def test_a_score_is_complete_when_what_follows_does_not_go_on_with_it(reply, following, expected):
    assert complete(reply, reply + following) is expected


@given(st.integers(0, 10), st.text(max_size=12))
def test_stopping_at_a_complete_score_loses_none_of_it(score, rest):
    whole = f"score: {score}{rest}"
    for end in range(len(whole)):
        if complete(whole[:end], whole[: end + 1]):
            assert parse(whole[:end]) == parse(whole)
            break

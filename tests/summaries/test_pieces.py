"""What of a film is kept for a length in seconds."""

from itertools import chain, combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.errors import UserError
from stages.summaries.pieces import SHORTEST, Piece, Wish, chosen, spans


def laid_out(lengths: list[float]) -> list[tuple[float, float]]:
    ends = np.cumsum(lengths).tolist()
    return list(zip([0.0, *ends[:-1]], ends, strict=True))


def middle(shots: list[tuple[float, float]]) -> list[float]:
    return [(start + end) / 2 for start, end in shots]


def total(pieces: tuple[Piece, ...]) -> float:
    return sum(piece.end - piece.start for piece in pieces)


films = st.lists(
    st.tuples(st.integers(2, 12).map(lambda n: n / 2), st.integers(0, 9).map(lambda n: n / 10)),
    min_size=1,
    max_size=8,
)


@settings(max_examples=200, deadline=None)
@given(films, st.floats(0.3, 30))
def test_pieces_lie_in_their_shots_in_order_and_last_as_long_as_asked(
    film: list[tuple[float, float]], seconds: float
) -> None:
    shots = laid_out([length for length, _ in film])
    pieces = chosen([score for _, score in film], shots, middle(shots), seconds)
    assert pieces
    assert [piece.shot for piece in pieces] == sorted({piece.shot for piece in pieces})
    for piece in pieces:
        start, end = shots[piece.shot]
        assert start - 1e-9 <= piece.start < piece.end <= end + 1e-9
        assert piece.end - piece.start >= min(SHORTEST, end - start) - 1e-9
    assert total(pieces) <= max(seconds, SHORTEST) + 1e-6


@settings(max_examples=100, deadline=None)
@given(films, st.integers(2, 40).map(lambda n: n / 2))
def test_whole_shots_are_worth_as_much_as_any_that_fit(
    film: list[tuple[float, float]], seconds: float
) -> None:
    lengths, scores = (np.array(each) for each in zip(*film, strict=True))
    shots = laid_out(lengths.tolist())
    pieces = chosen(scores, shots, middle(shots), seconds)
    earned = sum(scores[piece.shot] * (piece.end - piece.start) for piece in pieces)
    subsets = chain.from_iterable(
        combinations(range(len(film)), size) for size in range(len(film) + 1)
    )
    fitting = [list(each) for each in subsets if lengths[list(each)].sum() <= seconds]
    best = max((scores[each] * lengths[each]).sum() for each in fitting)
    best = max(best, *scores[lengths > seconds] * seconds, 0.0)  # one of these, trimmed
    # A swap that fills the last second may cost a little worth, never more than a second's.
    assert earned >= best - SHORTEST * scores.max() - 1e-6


def test_a_shot_that_is_longer_than_the_summary_is_trimmed_around_its_best_moment() -> None:
    assert chosen([0.2, 0.9], [(0, 30), (30, 90)], [10, 80], 6) == (Piece(1, 77, 83),)
    assert chosen([0.2, 0.9], [(0, 30), (30, 90)], [10, 30.5], 6) == (Piece(1, 30, 36),)


def test_a_poor_shot_that_fits_is_not_kept_for_a_good_one_that_has_to_be_trimmed() -> None:
    shots = [(0.0, 4.0), (4.0, 5.2)]
    assert chosen([0.9, 0.2], shots, [2, 4.5], 1.75) == (Piece(0, 1.125, 2.875),)
    assert chosen([0.2, 0.9], shots, [2, 4.5], 1.3) == (Piece(1, 4, 5.2),)


def test_however_short_the_length_a_second_is_kept() -> None:
    assert chosen([1.0], [(0, 60)], [50], 0.01) == (Piece(0, 49.5, 50.5),)
    assert chosen([1.0], [(0, 0.4)], [0.1], 0.01) == (Piece(0, 0, 0.4),)


def test_of_scores_of_nothing_something_is_kept() -> None:
    assert total(chosen([0, 0, 0], laid_out([4, 4, 4]), [2, 6, 10], 5)) == pytest.approx(5)


def test_what_is_longer_than_the_film_keeps_all_of_it() -> None:
    shots = laid_out([2, 3])
    assert chosen([0, 1], shots, middle(shots), 9) == (Piece(0, 0, 2), Piece(1, 2, 5))


def test_a_summary_fills_its_length_where_shots_are_long_enough() -> None:
    lengths = [4.0] * 20
    shots = laid_out(lengths)
    scores = np.random.default_rng(0).random(20)
    for seconds in np.arange(4, 40, 0.7):
        assert abs(total(chosen(scores, shots, middle(shots), seconds)) - seconds) <= 0.5


def test_pieces_that_touch_are_one_span() -> None:
    pieces = [Piece(0, 0, 2), Piece(1, 2, 5), Piece(3, 7, 8)]
    assert spans(pieces) == [(0, 5), (7, 8)]


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("15%", 15), ("60s", 60), ("1:30", 90), ("2 min", 100), ("0:00:05", 5),
     ("50 %", 50), ("1,5 %", 1.5)],
)  # fmt: skip
def test_a_length_is_a_share_or_a_time(said: str, seconds: float) -> None:
    assert Wish.parsed(said).seconds(100) == pytest.approx(seconds)


@pytest.mark.parametrize("said", ["15", "0.15", "90"])
def test_a_number_alone_is_asked_what_it_is_of(said: str) -> None:
    with pytest.raises(UserError, match=rf"--length {said}: of what\? {said}% .* or {said}s"):
        Wish.parsed(said)
    with pytest.raises(UserError, match=r"--length 150: of what\? 150s"):
        Wish.parsed("150")


@pytest.mark.parametrize(
    "said", ["", "0", "0s", "0%", "101%", "-5s", "half", "5 parsecs", "1:5", "nan"]
)
def test_anything_else_is_refused_with_what_is_meant(said: str) -> None:
    with pytest.raises(UserError, match=r"--length .*15%.*1:30"):
        Wish.parsed(said)


def test_the_whole_of_many_shots_is_kept_whole() -> None:
    for seed in range(40):
        ends = np.cumsum(np.random.default_rng(seed).uniform(1, 9, 400))
        shots_S2 = list(zip([0.0, *ends[:-1].tolist()], ends.tolist(), strict=True))
        moments = [start for start, _ in shots_S2]
        kept = chosen(np.ones(400), shots_S2, moments, float(ends[-1]))
        assert [(piece.start, piece.end) for piece in kept] == shots_S2


def test_of_a_long_film_what_rounding_leaves_is_filled() -> None:
    shots = laid_out(np.random.default_rng(0).uniform(1, 6, 2000).tolist())
    scores, film = np.random.default_rng(1).random(2000), shots[-1][1]
    for share in (0.15, 0.5, 0.9):
        kept = total(chosen(scores, shots, middle(shots), share * film))
        assert share * film - SHORTEST <= kept <= share * film + 1e-6

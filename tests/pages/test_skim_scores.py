"""Scores of shots, as the page of one film writes them."""

from stages.pages.skim.skim_page import worth


def test_the_highest_shows_two_figures_however_low_it_is() -> None:
    assert [worth(score, 0.81) for score in (0.81, 0.049, 0.0)] == [".81", ".05", ".00"]
    assert [worth(score, 0.0043) for score in (0.0043, 0.0004)] == [".0043", ".0004"]
    assert worth(1.0, 1.0) == "1.00"
    assert worth(0.0, 0.0) == ".00"

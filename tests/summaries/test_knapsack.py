"""The knapsack is exact, and breaks ties as the field's programme does."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.errors import UserError
from stages.summaries.knapsack import knapsack


def table_knapsack(values: list[float], weights: list[int], capacity: int) -> list[int]:
    """The textbook table, a cell at a time, walked back from the last item."""
    best = [[0.0] * (capacity + 1) for _ in range(len(values) + 1)]
    for item, (value, weight) in enumerate(zip(values, weights, strict=True)):
        for room in range(capacity + 1):
            best[item + 1][room] = best[item][room]
            if weight <= room:
                best[item + 1][room] = max(best[item][room], best[item][room - weight] + value)
    chosen, room = [], capacity
    for item in reversed(range(len(values))):
        if best[item + 1][room] != best[item][room]:
            chosen.append(item)
            room -= weights[item]
    return chosen[::-1]


# Few distinct values and weights, so that ties are common.
tied_items = st.lists(
    st.tuples(st.sampled_from([0.0, 0.1, 0.2, 0.3, 0.5, -1.0]), st.integers(0, 6)), max_size=9
)
any_items = st.lists(
    st.tuples(st.floats(-5, 100, allow_nan=False), st.integers(0, 40)), max_size=12
)


@given(st.one_of(tied_items, any_items), st.integers(0, 60))
def test_it_takes_what_the_textbook_table_takes_ties_included(
    items: list[tuple[float, int]], capacity: int
) -> None:
    values, weights = [value for value, _ in items], [weight for _, weight in items]
    assert knapsack(values, weights, capacity) == table_knapsack(values, weights, capacity)


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 9)), max_size=8), st.integers(0, 25))
def test_nothing_that_fits_is_worth_more(items: list[tuple[int, int]], capacity: int) -> None:
    chosen = knapsack([float(value) for value, _ in items], [w for _, w in items], capacity)
    assert sum(items[item][1] for item in chosen) <= capacity
    every_set = (
        chosen_set
        for size in range(len(items) + 1)
        for chosen_set in combinations(items, size)
        if sum(weight for _, weight in chosen_set) <= capacity
    )
    most = max(sum(value for value, _ in chosen_set) for chosen_set in every_set)
    assert sum(items[item][0] for item in chosen) == most


def test_a_published_instance_is_solved() -> None:
    # P01 of Kreher and Stinson's collection: capacity 165, best profit 309.
    weights = [23, 31, 29, 44, 53, 38, 63, 85, 89, 82]
    profits = [92, 57, 49, 68, 60, 43, 67, 84, 87, 72]
    assert knapsack(profits, weights, 165) == [0, 1, 2, 3, 5]


def test_among_equals_the_later_item_is_left_out() -> None:
    assert knapsack([1.0, 1.0, 1.0], [2, 2, 2], 4) == [0, 1]


@pytest.mark.parametrize(
    ("values", "weights", "capacity", "chosen"),
    [
        ([], [], 10, []),
        ([1.0], [1], 0, []),
        ([1.0, 2.0], [11, 12], 10, []),
        ([1.0, 2.0], [11, 3], 10, [1]),
        ([1.0, 2.0], [0, 0], 0, [0, 1]),
        ([0.0, -1.0], [1, 1], 10, []),
    ],
)
def test_edges(values: list[float], weights: list[int], capacity: int, chosen: list[int]) -> None:
    assert knapsack(values, weights, capacity) == chosen


@pytest.mark.parametrize(
    ("values", "weights", "capacity", "complaint"),
    [
        ([float("nan")], [1], 1, "finite"),
        ([1.0], [-1], 1, "none negative"),
        ([1.0], [1.5], 1, "whole numbers"),
        ([1.0], [1], -1, "capacity"),
        ([1.0, 2.0], [1], 1, "one length"),
    ],
)
def test_bad_input_is_named(
    values: list[float], weights: list[float], capacity: int, complaint: str
) -> None:
    with pytest.raises(UserError, match=complaint):
        knapsack(values, np.asarray(weights), capacity)

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from stages.llm.batches import plan

lengths = st.lists(st.integers(1, 300), max_size=60)


@given(lengths, st.integers(1, 1000))
def test_every_prompt_is_in_one_batch_within_the_budget(lengths, budget):
    batches = plan(lengths, budget)
    assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) == 1 or sum(lengths[index] for index in batch) <= budget


@given(lengths, st.integers(1, 1000))
def test_prompts_of_like_length_go_together(lengths, budget):
    order = [lengths[index] for batch in plan(lengths, budget) for index in batch]
    assert order == sorted(lengths, reverse=True)


@given(lengths, st.integers(1, 1000))
def test_no_batch_is_closed_while_the_next_prompt_fits(lengths, budget):
    batches = plan(lengths, budget)
    for batch, following in pairwise(batches):
        assert sum(lengths[index] for index in [*batch, following[0]]) > budget


def test_equal_lengths_keep_their_order():
    assert plan([5, 9, 5, 9], 14) == [[1], [3, 0], [2]]

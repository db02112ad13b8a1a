"""Queries that wait are packed, and are what they were."""

import pickle
import tracemalloc

import pytest

from stages.llm.queries import Queries

BATCH = ((1, 2, 3), (), (65_535,), (7, 7))


@pytest.mark.parametrize("more", [(), ((65_536, 128_255),)])
def test_they_are_what_was_put_in(more):
    queries = Queries(BATCH + more)
    assert tuple(queries) == BATCH + more
    assert [queries[at] for at in range(len(queries))] == [*BATCH, *more]
    assert len(queries) == len(BATCH + more)


def test_they_are_sent_as_tuples():
    sent = pickle.loads(pickle.dumps(Queries(BATCH)))
    assert type(sent) is tuple
    assert sent == BATCH


def test_they_take_two_bytes_a_token_where_the_vocabulary_allows():
    batch = tuple(tuple(range(300 + 200 * row, 500 + 200 * row)) for row in range(8))
    tracemalloc.start()
    queries = Queries(batch)
    size = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert tuple(queries) == batch
    assert size < 2 * 8 * 200 + 1000

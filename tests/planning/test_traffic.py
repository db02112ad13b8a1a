"""What stages move by formula, beside arithmetic by hand and what pickle makes of it."""

import pickle
import re
import tracemalloc

import numpy as np
import pytest

from stages import params
from stages.errors import UserError
from stages.llm import batches
from stages.planning import passage, storage, traffic, workload
from stages.planning.passage import INLINE, Passage
from stages.planning.traffic import Flow
from stages.planning.workload import Frames, Prompt
from stages.work.crew import HELD
from stages.work.portions import portions, share

PROMPT = Prompt(prefix=583, query=236, draft=3, answer=5, counter="made")
MILLION = workload.equal(1_000_000, 240)


def flows(frames: Frames, workers: int = 64) -> dict[str, Flow]:
    """Of the paper's models."""
    recipe = params.recipe("tvsum")
    found = traffic.flows(recipe, frames, 25, PROMPT, 5120, [], workers)
    return {flow.stage: flow for flow in found}


def test_equal_videos_are_one_length() -> None:
    assert MILLION.lengths == ((480, 1_000_000),)
    assert (MILLION.videos, MILLION.total, MILLION.longest) == (1_000_000, 480_000_000, 480)
    assert MILLION.pairs == 480 * 480_000_000
    assert workload.equal(3, 0.2).lengths == ((1, 3),)
    assert Frames.of([5, 3, 5], "made").lengths == ((3, 1), (5, 2))


@pytest.mark.parametrize(
    ("videos", "seconds", "said"),
    [
        (0, 240, "--videos 0: must be at least 1"),
        (-5, 240, "--videos -5: must be at least 1"),
        (5, 0, "--seconds 0: must be above 0"),
        (5, -1, "--seconds -1: must be above 0"),
        (5, float("nan"), "--seconds nan: must be above 0, and a number"),
        (5, 1e308, "--seconds 1e+308: must be above 0, and a number"),
        (5, float("inf"), "--seconds inf: must be above 0, and a number"),
    ],
)
def test_what_is_no_corpus_is_one_message(videos: int, seconds: float, said: str) -> None:
    with pytest.raises(UserError, match=re.escape(said)):
        workload.equal(videos, seconds)


def test_a_million_videos_are_planned_in_the_memory_of_one() -> None:
    flows(MILLION)  # modules that are imported on the way are not what is asked about
    tracemalloc.start()
    flows(workload.equal(1_000_000, 240))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # The recipe itself is the most of it; a list of a million would be 8 MB.
    assert peak < 4e6


def test_twice_the_videos_move_twice_as_much() -> None:
    one, two = flows(MILLION), flows(workload.equal(2_000_000, 240))
    assert list(one) == ["sample", "caption", "embed"]
    for stage in one:
        assert two[stage].items == 2 * one[stage].items
        for name in ("read", "written", "held", "output", "driver", "assembly", "memory"):
            assert getattr(two[stage], name) == pytest.approx(2 * getattr(one[stage], name))


def test_captions_by_hand() -> None:
    found = flows(MILLION)["caption"]
    said, jpeg = len(workload.caption_of(25)), workload.jpeg_bytes(336)
    assert (found.items, found.size) == (480_000_000, storage.caption(said))
    assert found.read == 2 * 480e6 * jpeg + 480e6 * found.size
    assert found.written == 480e6 * found.size + storage.root(480_000_000) + found.output
    assert found.held == 480e6 * 4096
    assert found.passage is not None
    assert found.passage.size == 4 * 96
    assert found.passage.shares == 480_000_000 / (4 * 96)
    assert found.passage.stored == pytest.approx(480e6 * (jpeg + 4 * said), rel=0.01)


def test_several_questions_of_a_frame_are_so_many_items_and_readings() -> None:
    recipe = params.recipe("tvsum")
    assert recipe.caption is not None
    asked = recipe.caption.model_copy(update={"describe": ("general", "centre"), "direct": True})
    one = traffic.caption(recipe.caption, MILLION, 50_000, 25, 64)
    three = traffic.caption(asked, MILLION, 50_000, 25, 64)
    assert three.items == 3 * one.items
    assert three.read - one.read == pytest.approx(2 * 480e6 * (50_000 + one.size))


def test_batches_of_prompts_are_those_of_the_embed_stage() -> None:
    frames = Frames.of([480, 700, 20], "made")
    recipe = params.recipe("tvsum")
    assert recipe.embed is not None
    budget = recipe.embed.token_budget
    planned = [batches.plan([PROMPT.query] * picks, budget) for picks, _ in frames.lengths]
    found = flows(frames)["embed"]
    assert found.items == sum(map(len, planned))
    whole = sum(storage.states(len(rows), 5120, 20) for each in planned for rows in each)
    assert found.items * found.size == pytest.approx(whole)


def test_states_that_are_kept_beside_are_items_and_bytes_more() -> None:
    recipe = params.recipe("summe-captions")
    assert recipe.embed is not None
    assert recipe.embed.also
    alone = recipe.embed.model_copy(update={"also": ()})
    found = [traffic.embed(each, MILLION, PROMPT, 576, 1, 25, 4) for each in (alone, recipe.embed)]
    readouts = 1 + len(recipe.embed.also)
    assert found[1].items == readouts * found[0].items
    assert found[0].passage is not None
    assert found[1].passage is not None
    assert found[1].passage.back == pytest.approx(readouts * found[0].passage.back, rel=0.01)


@pytest.mark.parametrize(("count", "workers"), [(1000, 1), (1000, 4), (40, 4), (5, 64)])
def test_a_share_is_as_large_as_the_queue_makes_it(count: int, workers: int) -> None:
    largest = max(len(each.places) for each in portions([1.0] * count, 8, workers))
    assert min(share(count, 8, workers), count) == largest


def test_objects_are_as_large_as_pickle_makes_them() -> None:
    random = np.random.default_rng(0)
    sent = [random.bytes(5000) for _ in range(32)]
    assert passage.frames(32, 5000) == pytest.approx(len(pickle.dumps(sent, 5)), rel=0.01)
    ids = [tuple(tuple(random.integers(256, 32_000, 220).tolist()) for _ in range(18))]
    assert passage.prompts(1, 18, 220) == pytest.approx(len(pickle.dumps(ids, 5)), rel=0.01)
    states_RW = random.random((18, 512), dtype=np.float32)
    back = [
        (number, {"query": states_RW + number, "answer": states_RW - number}) for number in range(4)
    ]
    reckoned = passage.answers(4, 2 * [states_RW.nbytes])
    assert reckoned == pytest.approx(len(pickle.dumps(back, 5)), rel=0.01)


def test_what_is_small_goes_within_messages() -> None:
    both = Passage(shares=10, size=4, sent=INLINE + 1, back=INLINE + 2)
    assert both.stored == 10 * (2 * INLINE + 3)
    assert Passage(shares=10, size=4, sent=INLINE + 1, back=INLINE).stored == 10 * (INLINE + 1)
    assert Passage(shares=10, size=4, sent=10, back=INLINE).stored == 0
    assert both.in_flight == HELD * (INLINE + 1) + INLINE + 2

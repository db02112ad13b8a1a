"""A processor refuses what is too much for it, with the numbers, unless it is asked for."""

from collections import namedtuple
from dataclasses import replace

import psutil
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from stages.errors import UserError
from stages.work import processor
from stages.work.burden import HEAVY, Burden, bear

measured = processor.rate
Memory = namedtuple("Memory", "available free")
LLAVA = Burden(
    *("llava-hf/llava-1.5-7b-hf", "caption.model", 7_063_427_072, "float16"),
    *(23510, "frames", 23510 * 8.7e12),
)
SMALL = Burden("smollm2", "embed.llm", 134_515_008, "float32", 235100, "prompts", 235100 * 0.07e12)


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two cores, 64 GB free."""
    monkeypatch.delenv("LLMVS_SLOW", raising=False)
    monkeypatch.setattr(processor, "rate", lambda dtype: 0.2e12)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: Memory(64e9, 0))
    monkeypatch.setattr(psutil, "swap_memory", lambda: Memory(0, 0))
    monkeypatch.setattr("stages.work.allowance.left", lambda: float("inf"))


def test_a_large_model_is_refused_with_the_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError) as refused:
        bear(LLAVA)
    assert str(refused.value) == (
        "llava-hf/llava-1.5-7b-hf: there is no GPU. 23,510 frames are 204.5 PFLOP, and this "
        "processor (2 threads) multiplies 0.20 TFLOP/s in float16: about 284 hours. Run where "
        "there is a GPU, name a smaller model (caption.model), or set LLMVS_SLOW=1 to have it done "
        "here"
    )
    monkeypatch.setenv("LLMVS_SLOW", "1")
    bear(LLAVA)


def test_what_is_done_in_a_day_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    bear(replace(LLAVA, items=1000, operations=1000 * 8.7e12))
    monkeypatch.setattr(processor, "rate", lambda dtype: 3e12)
    bear(LLAVA)


def test_a_small_model_is_never_refused_however_much_there_is_to_do() -> None:
    """Ten splits of TVSum take the embedded LLM more than a day on two slow cores."""
    slow = replace(SMALL, items=10 * SMALL.items, operations=10 * SMALL.operations)
    assert slow.hours > 24
    bear(slow)
    assert not slow.heavy
    assert replace(slow, operations=1.01 * HEAVY * slow.items).heavy


def test_weights_that_the_memory_does_not_hold_are_refused_even_if_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LLMVS_SLOW", "1")
    monkeypatch.setattr(psutil, "virtual_memory", lambda: Memory(8e9, 0))
    with pytest.raises(UserError, match=r"its weights are 14\.1 GB in float16.*8\.0 GB of memory"):
        bear(LLAVA)
    monkeypatch.setattr(psutil, "swap_memory", lambda: Memory(0, 10e9))
    bear(LLAVA)


def test_the_rate_is_what_torch_multiplies_here() -> None:
    """Within what other work on the machine does to it; a slip in the count is a factor of two."""
    found = measured("float32")
    a, b = torch.ones(processor.ROWS, processor.WIDTH), torch.ones(processor.WIDTH, processor.WIDTH)
    with FlopCounterMode(display=False) as counter:
        torch.nn.functional.linear(a, b)
    assert counter.get_total_flops() == 2 * processor.ROWS * processor.WIDTH**2
    assert 1e8 < found < 1e15
    assert measured("float32") == found

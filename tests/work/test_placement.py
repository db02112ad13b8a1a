"""A model goes onto one card where it fits, onto as few as hold it elsewhere, or is refused."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import tiny_llms
import torch
from transformers import AutoModelForCausalLM

from stages.errors import UserError
from stages.llm import weights
from stages.work import architecture, placement, pretrained

LLAMA = "meta-llama/Llama-2-13b-chat-hf"  # 26.03 GB in float16, 40 layers of 0.63


@pytest.fixture(scope="module")
def llama() -> Any:
    """Its shapes, without memory."""
    config = architecture.configuration(LLAMA, None, weights.KIND, None)
    with torch.device("meta"):
        return AutoModelForCausalLM.from_config(config)


def cards(monkeypatch: pytest.MonkeyPatch, *free: float) -> None:
    """Cards with so many bytes free."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: bool(free))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: len(free))
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda card: (int(free[card]), int(free[card])))
    monkeypatch.setattr(
        torch.cuda, "get_device_properties", lambda card: SimpleNamespace(name="RTX 4090")
    )


def held_by(placed: dict[str, int]) -> set[int]:
    return set(placed.values())


@pytest.mark.parametrize(
    ("free", "held"),
    [
        ([80e9], {0}),
        ([80e9] * 8, {0}),
        ([10e9, 80e9, 40e9], {1}),  # the freest: the first is taken by somebody
        ([24e9] * 2, {0, 1}),
        ([16e9] * 8, {0, 1}),
        ([12e9, 20e9, 12e9, 20e9], {1, 3}),
        ([14.6e9] * 3, {0, 1, 2}),  # 26.3 GB of two would do, but not by whole layers
    ],
)
def test_as_few_cards_as_hold_it(
    llama: Any, monkeypatch: pytest.MonkeyPatch, free: list[float], held: set[int]
) -> None:
    cards(monkeypatch, *free)
    found = placement.placed(LLAMA, llama, torch.float16)
    assert held_by(found) == held
    assert (found == {"": next(iter(held))}) == (len(held) == 1)


def test_one_card_too_small_is_told_how_many_would_do(
    llama: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    cards(monkeypatch, 25e9)
    with pytest.raises(UserError) as refused:
        placement.placed(LLAMA, llama, torch.float16)
    assert str(refused.value) == (
        f"{LLAMA}: its weights are 26.0 GB in float16, and the GPU has 25.0 GB free, 90% of it "
        "for weights. What would fit: 2 cards like this one (RTX 4090), one with more memory, a "
        "smaller model; or close what else uses it"
    )
    with pytest.raises(UserError, match=r"52\.1 GB in float32.*: 3 cards.*smaller model or dtype"):
        placement.placed(LLAMA, llama, torch.float32)
    cards(monkeypatch, 14e9, 14e9)
    with pytest.raises(UserError, match=r"2 GPUs have together 28\.0 GB free.*fit: 3 cards"):
        placement.placed(LLAMA, llama, torch.float16)


@pytest.mark.parametrize("elsewhere", ["cpu", "disk", torch.device("meta")])
def test_what_lies_beside_the_cards_is_refused_before_it_is_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, elsewhere: Any
) -> None:
    folder = tiny_llms.save(tmp_path)
    spilled = SimpleNamespace(hf_device_map={"model.layers.0": 0, "model.layers.1": elsewhere})
    monkeypatch.setattr(
        AutoModelForCausalLM, "from_pretrained", lambda *_, **__: (spilled, {"missing_keys": []})
    )
    said = r"tiny: 1 of its 2 parts \(model\.layers\.1 for one\) do not fit.*fit: a second card"
    with pytest.raises(UserError, match=said):
        pretrained.load(AutoModelForCausalLM, "tiny", folder, torch.float32)


@pytest.mark.parametrize(
    ("free", "expected"), [([], None), ([8e9, 24e9], {"": 1})], ids=["no GPU", "two"]
)
def test_a_folder_s_model_is_loaded_where_it_was_placed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: list[float], expected: Any
) -> None:
    folder = tiny_llms.save(tmp_path)
    cards(monkeypatch, *free)
    asked: dict[str, Any] = {}

    def load(_: Path, **given: Any) -> Any:
        asked.update(given)
        return SimpleNamespace(eval=lambda: None), {"missing_keys": []}

    monkeypatch.setattr(AutoModelForCausalLM, "from_pretrained", load)
    pretrained.load(AutoModelForCausalLM, "tiny", folder, torch.float32)
    assert asked["device_map"] == expected


def test_a_worker_s_cards_are_enough_whichever_it_is_given() -> None:
    assert placement.cards_needed(26e9, [80e9] * 8) == 1
    assert placement.cards_needed(26e9, [24e9] * 8) == 2
    assert placement.cards_needed(26e9, [80e9, 24e9, 16e9]) == 2
    assert placement.cards_needed(26e9, [24e9]) is None
    assert placement.cards_needed(0, []) is None

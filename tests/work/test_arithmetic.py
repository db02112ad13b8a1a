from contextlib import nullcontext

import pytest
import torch

from stages.work.arithmetic import is_native, warning

CPU, CARD = torch.device("cpu"), torch.device("cuda:1")


@pytest.fixture
def card(monkeypatch):
    """Takes the major compute capability of every card of a machine that has none."""

    def capable(major):
        properties = type("Card", (), {"major": major})()
        monkeypatch.setattr(torch.version, "hip", None)
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(torch.cuda, "current_device", lambda: 1)
        monkeypatch.setattr(torch.cuda, "device", lambda index: nullcontext())
        monkeypatch.setattr(torch.cuda, "get_device_properties", lambda index: properties)
        monkeypatch.setattr(torch.cuda, "_check_bf16_tensor_supported", lambda device: True)

    return capable


@pytest.mark.parametrize(("major", "expected"), [(7, False), (8, True), (9, True)])
def test_a_card_that_emulates_bfloat16_does_not_have_it(card, major, expected):
    card(major)
    assert torch.cuda.is_bf16_supported(), "emulation included"
    assert is_native("bfloat16", CARD) is expected
    assert is_native("float16", CARD)
    assert is_native("float32", CARD)
    assert warning("bfloat16", CARD) == (
        ""
        if expected
        else "bfloat16 works here and is slower than float16: the card has no instructions for "
        "its products"
    )


@pytest.mark.parametrize(
    ("processor", "expected"),
    [
        ({"avx512_bf16": True, "avx512_fp16": False}, {"float32", "bfloat16"}),
        ({"avx512_f": True, "avx512_bf16": False, "amx_bf16": False}, {"float32"}),
        ({"amx_bf16": True, "avx512_fp16": True}, {"float32", "bfloat16", "float16"}),
        ({"neon": True, "bf16": True, "fp16_arith": True}, {"float32", "bfloat16", "float16"}),
    ],
    ids=["avx512_bf16", "avx512 alone", "amx", "arm"],
)
def test_a_processor_has_what_its_instructions_are_for(monkeypatch, processor, expected):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: processor)
    formats = {"float32", "bfloat16", "float16"}
    assert {each for each in formats if is_native(each, CPU)} == expected
    assert {each for each in formats if not warning(each, CPU)} == expected
    for missing in formats - expected:
        assert warning(missing, CPU).startswith(f"{missing} works here and is slower than float32")

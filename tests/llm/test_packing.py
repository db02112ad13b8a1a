import copy

import pytest
import torch
from test_engine import LENGTHS, prompts
from tiny_llms import CONFIGS, causal_lm
from torch import nn
from transformers import LlamaConfig

from stages.llm.engine import Engine
from stages.llm.packing import PackedGatedMLP, PackedLinear, RoundingLinear, pack

needs_onednn = pytest.mark.skipif(
    not torch.backends.mkldnn.is_available(), reason="torch was built without oneDNN"
)


def has_bfloat16():
    return torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported()


needs_bfloat16 = pytest.mark.skipif(
    not has_bfloat16(), reason="oneDNN takes no bfloat16 on this processor"
)


@needs_onednn
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("rows", [1, 7, 300])
def test_a_packed_layer_is_the_layer(rows, bias):
    torch.manual_seed(0)
    linear, x, other = nn.Linear(48, 33, bias=bias), torch.randn(1, rows, 48), torch.randn(33)
    with torch.inference_mode():
        packed, y = PackedLinear(linear), linear(x)
        other = other.expand_as(y).contiguous()
        torch.testing.assert_close(packed(x), y)
        torch.testing.assert_close(packed(x, "swish"), nn.functional.silu(y))
        torch.testing.assert_close(packed.times(x, other), y * other)
        torch.testing.assert_close(packed.weight, linear.weight, rtol=0, atol=0)


@needs_onednn
@pytest.mark.parametrize("family", CONFIGS)
def test_a_packed_model_computes_what_it_did(family):
    model = causal_lm(CONFIGS[family])
    ids = torch.randint(3, 500, (2, 30), generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        before = model(ids).logits
        pack(model)
        assert all(isinstance(layer.mlp, PackedGatedMLP) for layer in model.model.layers)
        assert not any(type(part) is nn.Linear for part in model.model.layers.modules())
        torch.testing.assert_close(model(ids).logits, before, atol=1e-4, rtol=1e-4)


@needs_onednn
def test_an_mlp_with_another_activation_keeps_its_own_arithmetic():
    model = causal_lm(
        LlamaConfig(
            vocab_size=64,
            hidden_size=32,
            intermediate_size=48,
            num_hidden_layers=1,
            num_attention_heads=2,
            hidden_act="gelu",
        )
    )
    ids = torch.arange(9)[None]
    with torch.inference_mode():
        before = model(ids).logits
        torch.testing.assert_close(pack(model)(ids).logits, before, atol=1e-5, rtol=1e-5)


def test_weights_in_float16_are_left_alone():
    model = causal_lm(CONFIGS["llama, grouped heads"]).half()
    pack(model)
    assert not any(isinstance(part, PackedLinear | RoundingLinear) for part in model.modules())
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float16}


KINDS = [pytest.param(PackedLinear, marks=needs_bfloat16), RoundingLinear]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bias", [False, True])
def test_a_layer_in_bfloat16_rounds_what_it_is_given_and_its_sum_once(kind, bias):
    torch.manual_seed(0)
    linear, x = nn.Linear(512, 33, bias=bias).bfloat16(), torch.randn(1, 7, 512)
    with torch.inference_mode():
        rounded = x.bfloat16().double() @ linear.weight.double().T
        exact = rounded + linear.bias.double() if bias else rounded
        found = kind(linear)(x)
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found.double(), exact, atol=1e-3, rtol=2**-8)


def read(model):
    prefix, closing, *queries = prompts(1, (37, 4, *LENGTHS))
    return Engine(model, prefix, closing, (), 3).read(queries)


@pytest.fixture(params=[True, False], ids=["packed", "rounding"])
def onednn(request, monkeypatch):
    """With what this processor has for bfloat16, and without."""
    if not request.param:
        monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: False)
    elif not has_bfloat16():
        pytest.skip("this processor has none")
    return request.param


@pytest.mark.parametrize("family", CONFIGS)
def test_in_bfloat16_only_products_are_and_sums_and_norms_float32(onednn, family):
    model = pack(causal_lm(CONFIGS[family]).bfloat16())
    layers, handed, multiplied = model.model.layers, set(), set()
    for part in (*layers, *(x for x in model.modules() if "RMSNorm" in type(x).__name__)):
        part.register_forward_hook(lambda _, inputs, output: handed.update((inputs[0], output)))
    for part in layers.modules():
        if isinstance(part, PackedLinear | RoundingLinear):
            assert isinstance(part, PackedLinear) is onednn
            part.register_forward_hook(lambda _, inputs, output: multiplied.add(output))
    readings = read(model)
    assert {x.dtype for x in handed} == {torch.float32}
    assert {x.dtype for x in multiplied} == {torch.bfloat16}
    assert {x.query_W.dtype for x in readings} == {torch.float32}
    assert model.get_output_embeddings().weight.dtype == torch.float32


def test_so_the_states_are_nearer_to_float32_than_in_bfloat16_throughout(onednn):
    errors = {"packed": 0.0, "throughout": 0.0}
    for config in CONFIGS.values():
        throughout = causal_lm(config).bfloat16()
        exact = read(copy.deepcopy(throughout).float())
        for way, model in (("packed", pack(copy.deepcopy(throughout))), ("throughout", throughout)):
            pairs = zip(read(model), exact, strict=True)
            apart = torch.stack([x.query_W - y.query_W for x, y in pairs]).abs().mean().item()
            assert 0 < apart < 0.1
            errors[way] += apart
    assert errors["packed"] < 0.9 * errors["throughout"]

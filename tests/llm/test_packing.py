import pytest
import torch
from tiny_llms import CONFIGS, causal_lm
from torch import nn
from transformers import LlamaConfig

from stages.llm.packing import PackedGatedMLP, PackedLinear, pack

needs_onednn = pytest.mark.skipif(
    not torch.backends.mkldnn.is_available(), reason="torch was built without oneDNN"
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


def test_weights_of_half_width_are_left_alone():
    model = causal_lm(CONFIGS["llama, grouped heads"]).to(torch.bfloat16)
    pack(model)
    assert not any(isinstance(part, PackedLinear) for part in model.modules())

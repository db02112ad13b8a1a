"""Attention weights beside the layers' own output, and beside loops over frames."""

import pytest
import torch
from torch import Tensor

from stages.scorers.attention_maps import local_share, uniform_share
from stages.scorers.global_attention import GlobalAttention
from stages.scorers.mlp import Mlp


def model() -> GlobalAttention:
    torch.manual_seed(0)
    built = GlobalAttention(12, 32, layers=3, heads=2, feedforward=24)
    for parameter in built.parameters():
        if parameter.dim() == 1:
            torch.nn.init.normal_(parameter, mean=0.5, std=0.5)
    return built.eval()


X_TD = torch.randn(9, 12, generator=torch.Generator().manual_seed(1))


def test_the_weights_mix_values_into_each_layers_own_attention() -> None:
    built = model()
    weights_LHTT = built.attention({"query": X_TD})
    assert weights_LHTT.shape == (3, 2, 9, 9)
    torch.testing.assert_close(weights_LHTT.sum(-1), torch.ones(3, 2, 9))
    encoder = built.transformer_encoder_agg
    h_TM = built.d_linear1_norm(built.d_linear1(X_TD))
    with torch.no_grad():
        for layer, weights_HTT in zip(encoder.layers, weights_LHTT, strict=True):
            own = layer.self_attn
            v_TM = h_TM @ own.in_proj_weight[64:].T + own.in_proj_bias[64:]
            mixed_TM = torch.cat([weights_HTT[h] @ v_TM[:, 16 * h :][:, :16] for h in (0, 1)], -1)
            expected_TM = own(h_TM[None], h_TM[None], h_TM[None], need_weights=False)[0][0]
            torch.testing.assert_close(own.out_proj(mixed_TM), expected_TM)
            h_TM = layer(h_TM[None])[0]
        # And what was run beside is the model itself.
        torch.testing.assert_close(built.mlp_head(h_TM)[:, 0], built({"states": X_TD[None]})[0])


def by_loops(weights_LHTT: Tensor, reach: int) -> list[list[float]]:
    layers, heads, frames, _ = weights_LHTT.shape
    shares = []
    for layer in range(layers):
        shares.append([0.0] * heads)
        for head in range(heads):
            for i in range(frames):
                for j in range(frames):
                    if abs(i - j) <= reach:
                        shares[-1][head] += float(weights_LHTT[layer, head, i, j]) / frames
    return shares


@pytest.mark.parametrize("reach", [0, 1, 3, 20])
def test_local_shares_are_those_of_loops_over_frames(reach: int) -> None:
    weights_LHTT = model().attention({"query": X_TD})
    expected = torch.tensor(by_loops(weights_LHTT, reach))
    torch.testing.assert_close(local_share(weights_LHTT, reach), expected)
    uniform = torch.full((1, 1, 9, 9), 1 / 9)
    assert uniform_share(9, reach) == pytest.approx(by_loops(uniform, reach)[0][0])


def test_a_kind_without_attention_has_no_maps() -> None:
    assert Mlp(12, 32).attention({"query": X_TD}) is None

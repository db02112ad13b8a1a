import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from stages.scorers.global_attention import GlobalAttention


def model(attention: bool = True, seed: int = 0) -> GlobalAttention:
    torch.manual_seed(seed)
    built = GlobalAttention(
        12, width=32, layers=3, heads=2, feedforward=24, dropout=0.1, attention=attention
    )
    for parameter in built.parameters():
        if parameter.dim() == 1:
            # Zero biases and unit gains would hide a layer that is not applied.
            torch.nn.init.normal_(parameter, mean=0.5, std=0.5)
    return built.eval()


def by_hand(built: GlobalAttention, x_TD: Tensor) -> Tensor:
    """The same network for one video from its weights, in float64, one head and frame a time."""
    weight = {name: value.double() for name, value in built.state_dict().items()}

    def linear(name: str, x: Tensor) -> Tensor:
        return x @ weight[f"{name}.weight"].T + weight[f"{name}.bias"]

    def norm(name: str, x: Tensor) -> Tensor:
        centred = x - x.mean(-1, keepdim=True)
        unit = centred / (centred.square().mean(-1, keepdim=True) + 1e-5).sqrt()
        return unit * weight[f"{name}.weight"] + weight[f"{name}.bias"]

    width, heads = int(built.architecture["width"]), int(built.architecture["heads"])
    size = width // heads
    h_TM = norm("d_linear1_norm", linear("d_linear1", x_TD.double()))
    for layer in range(int(built.architecture["layers"]) if built.architecture["attention"] else 0):
        at = f"transformer_encoder_agg.layers.{layer}"
        projected = h_TM @ weight[f"{at}.self_attn.in_proj_weight"].T
        q_TM, k_TM, v_TM = (projected + weight[f"{at}.self_attn.in_proj_bias"]).split(width, -1)
        mixed_TM = torch.zeros_like(h_TM)
        for frame in range(len(h_TM)):
            for head in range(heads):
                part = slice(head * size, (head + 1) * size)
                share_T = (k_TM[:, part] @ q_TM[frame, part] / math.sqrt(size)).softmax(0)
                mixed_TM[frame, part] = share_T @ v_TM[:, part]
        h_TM = norm(f"{at}.norm1", h_TM + linear(f"{at}.self_attn.out_proj", mixed_TM))
        inner = linear(f"{at}.linear1", h_TM).clamp(min=0)
        h_TM = norm(f"{at}.norm2", h_TM + linear(f"{at}.linear2", inner))
    h = norm("mlp_head.1", linear("mlp_head.0", h_TM)).clamp(min=0)
    h = linear("mlp_head.3", h).clamp(min=0)
    h = norm("mlp_head.6", linear("mlp_head.5", h)).clamp(min=0)
    h = linear("mlp_head.8", h).clamp(min=0)
    return 1 / (1 + torch.exp(-linear("mlp_head.10", h).squeeze(-1)))


def test_the_papers_size_has_88_84_million_parameters() -> None:
    with torch.device("meta"):
        paper = GlobalAttention(5120, width=2048, layers=3, heads=2)
    assert round(sum(p.numel() for p in paper.parameters()) / 1e6, 2) == 88.84


@pytest.mark.parametrize("attention", [True, False])
@pytest.mark.parametrize("frames", [1, 2, 7])
@torch.inference_mode()
def test_scores_are_those_of_the_formulas(attention: bool, frames: int) -> None:
    built = model(attention)
    x_TD = torch.randn(frames, 12)
    expected_T = by_hand(built, x_TD)
    torch.testing.assert_close(built(x_TD[None])[0].double(), expected_T, atol=2e-6, rtol=0)


@pytest.mark.parametrize("attention", [True, False])
@torch.inference_mode()
def test_padding_changes_no_score_whatever_it_holds(attention: bool) -> None:
    built = model(attention)
    lengths = [5, 1, 9, 9]
    x_BTD = torch.randn(len(lengths), 9, 12) * 100
    valid_BT = torch.arange(9) < torch.tensor(lengths)[:, None]
    scores_BT = built(x_BTD, valid_BT)
    for video, length in enumerate(lengths):
        alone_T = built(x_BTD[video : video + 1, :length])[0]
        torch.testing.assert_close(scores_BT[video, :length], alone_T, atol=1e-6, rtol=0)
        assert (scores_BT[video, length:] == 0).all()


def test_padding_changes_no_gradient() -> None:
    lengths = [4, 6]
    x_BTD = torch.randn(2, 6, 12)
    target_BT = torch.rand(2, 6)
    valid_BT = torch.arange(6) < torch.tensor(lengths)[:, None]
    padded, single = model(), model()
    # Dropout off, yet not the kernels of inference.
    errors_BT = (padded(x_BTD, valid_BT) - target_BT)[valid_BT].square()
    errors_BT.sum().backward()
    for video, length in enumerate(lengths):
        scores_BT = single(x_BTD[video : video + 1, :length])
        functional.mse_loss(scores_BT[0], target_BT[video, :length], reduction="sum").backward()
    for one, other in zip(padded.parameters(), single.parameters(), strict=True):
        assert one.grad is not None
        torch.testing.assert_close(one.grad, other.grad, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("attention", [True, False])
def test_every_weight_receives_a_gradient(attention: bool) -> None:
    built = model(attention).train()
    built(torch.randn(2, 5, 12)).sum().backward()
    for name, parameter in built.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


@torch.inference_mode()
def test_a_frame_sees_the_whole_video_with_attention_and_itself_alone_without() -> None:
    x_1TD = torch.randn(1, 30, 12)
    changed_1TD = x_1TD.clone()
    changed_1TD[0, -1] += 1
    for attention in (True, False):
        built = model(attention)
        moved_T = (built(x_1TD) - built(changed_1TD))[0].abs()
        assert moved_T[-1] > 0
        assert bool((moved_T[:-1] > 0).any()) is attention


@torch.inference_mode()
def test_the_order_of_frames_carries_no_meaning() -> None:
    built, x_1TD = model(), torch.randn(1, 8, 12)
    order = torch.randperm(8)
    shuffled_1T = built(x_1TD[:, order])
    torch.testing.assert_close(shuffled_1T, built(x_1TD)[:, order], atol=1e-6, rtol=0)


def test_matrices_start_within_xaviers_bounds() -> None:
    built = GlobalAttention(12, width=32, layers=2, heads=2)
    for name, parameter in built.named_parameters():
        if parameter.dim() == 2:
            bound = math.sqrt(6 / sum(parameter.shape))
            assert parameter.abs().max() <= bound, name
            if parameter.numel() > 100:
                assert parameter.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.1), name

import math

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from stages.errors import UserError
from stages.scorers import registry
from stages.scorers.global_attention import GlobalAttention
from stages.scorers.head import Headed
from stages.scorers.mlp import Mlp
from stages.scorers.settings import GlobalAttentionEntry, MlpEntry


def states(x: Tensor) -> dict[str, Tensor]:
    return {"states": x}


def model(attention: bool = True, seed: int = 0) -> Headed:
    torch.manual_seed(seed)
    built: Headed = Mlp(12, width=32)
    if attention:
        torch.manual_seed(seed)
        built = GlobalAttention(12, width=32, layers=3, heads=2, feedforward=24, dropout=0.1)
    for parameter in built.parameters():
        if parameter.dim() == 1:
            # Zero biases and unit gains would hide a layer that is not applied.
            torch.nn.init.normal_(parameter, mean=0.5, std=0.5)
    return built.eval()


def by_hand(built: Headed, x_TD: Tensor) -> Tensor:
    """The same network for one video from its weights, in float64, one head and frame a time."""
    weight = {name: value.double() for name, value in built.state_dict().items()}

    def linear(name: str, x: Tensor) -> Tensor:
        return x @ weight[f"{name}.weight"].T + weight[f"{name}.bias"]

    def norm(name: str, x: Tensor) -> Tensor:
        centred = x - x.mean(-1, keepdim=True)
        unit = centred / (centred.square().mean(-1, keepdim=True) + 1e-5).sqrt()
        return unit * weight[f"{name}.weight"] + weight[f"{name}.bias"]

    layers, heads = built.architecture.get("layers", 0), built.architecture.get("heads", 1)
    width = built.architecture["width"]
    size = width // heads
    h_TM = norm("d_linear1_norm", linear("d_linear1", x_TD.double()))
    for layer in range(layers):
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
    torch.testing.assert_close(built(states(x_TD[None]))[0].double(), expected_T, atol=2e-6, rtol=0)


@pytest.mark.parametrize("attention", [True, False])
@torch.inference_mode()
def test_padding_changes_no_score_whatever_it_holds(attention: bool) -> None:
    built = model(attention)
    lengths = [5, 1, 9, 9]
    x_BTD = torch.randn(len(lengths), 9, 12) * 100
    valid_BT = torch.arange(9) < torch.tensor(lengths)[:, None]
    scores_BT = built(states(x_BTD), valid_BT)
    for video, length in enumerate(lengths):
        alone_T = built(states(x_BTD[video : video + 1, :length]))[0]
        torch.testing.assert_close(scores_BT[video, :length], alone_T, atol=1e-6, rtol=0)
        assert (scores_BT[video, length:] == 0).all()


def test_padding_changes_no_gradient() -> None:
    lengths = [4, 6]
    x_BTD = torch.randn(2, 6, 12)
    target_BT = torch.rand(2, 6)
    valid_BT = torch.arange(6) < torch.tensor(lengths)[:, None]
    padded, single = model(), model()
    # Dropout off, yet not the kernels of inference.
    errors_BT = (padded(states(x_BTD), valid_BT) - target_BT)[valid_BT].square()
    errors_BT.sum().backward()
    for video, length in enumerate(lengths):
        scores_BT = single(states(x_BTD[video : video + 1, :length]))
        functional.mse_loss(scores_BT[0], target_BT[video, :length], reduction="sum").backward()
    for one, other in zip(padded.parameters(), single.parameters(), strict=True):
        assert one.grad is not None
        torch.testing.assert_close(one.grad, other.grad, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("attention", [True, False])
def test_every_weight_receives_a_gradient(attention: bool) -> None:
    built = model(attention).train()
    built(states(torch.randn(2, 5, 12))).sum().backward()
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
        moved_T = (built(states(x_1TD)) - built(states(changed_1TD)))[0].abs()
        assert moved_T[-1] > 0
        assert bool((moved_T[:-1] > 0).any()) is attention


@torch.inference_mode()
def test_the_order_of_frames_carries_no_meaning() -> None:
    built, x_1TD = model(), torch.randn(1, 8, 12)
    order = torch.randperm(8)
    shuffled_1T = built(states(x_1TD[:, order]))
    torch.testing.assert_close(shuffled_1T, built(states(x_1TD))[:, order], atol=1e-6, rtol=0)


@torch.inference_mode()
def test_inputs_meet_in_their_elementwise_maximum() -> None:
    built, inputs = model(), {"query": torch.randn(7, 12), "answer": torch.randn(7, 12)}
    expected_T = by_hand(built, torch.from_numpy(np.maximum(*(x.numpy() for x in inputs.values()))))
    torch.testing.assert_close(built.scores(inputs).double(), expected_T, atol=2e-6, rtol=0)
    assert torch.equal(built.prepare({"query": inputs["query"]})["states"], inputs["query"])


def test_inputs_of_different_widths_are_named() -> None:
    inputs = {"query": torch.randn(7, 12), "image": torch.randn(7, 5)}
    with pytest.raises(UserError, match="equally wide; found query 12 and image 5"):
        model().scores(inputs)


def test_scores_are_those_of_evaluation_whatever_the_mode() -> None:
    built, inputs = model(), {"query": torch.randn(7, 12)}
    expected_T = built.scores(inputs)
    built.train()
    assert torch.equal(built.scores(inputs), expected_T)
    assert built.training


def test_an_entry_is_built_as_it_says() -> None:
    said = {"width": 48, "layers": 1, "heads": 3, "feedforward": 7, "dropout": 0.3}
    entry = GlobalAttentionEntry(title="a", kind="global-attention", inputs=("query",), **said)
    assert registry.build(entry, {"states": 12}).architecture == {"embedding": 12, **said}
    plain = MlpEntry(title="m", kind="mlp", inputs=("query",), width=48)
    assert registry.build(plain, {"states": 12}).architecture == {"embedding": 12, "width": 48}


def test_matrices_start_within_xaviers_bounds() -> None:
    built = GlobalAttention(12, width=32, layers=2, heads=2)
    for name, parameter in built.named_parameters():
        if parameter.dim() == 2:
            bound = math.sqrt(6 / sum(parameter.shape))
            assert parameter.abs().max() <= bound, name
            if parameter.numel() > 100:
                assert parameter.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.1), name


@pytest.mark.parametrize(
    ("kind", "hyperparameters", "expected"),
    [
        (
            GlobalAttention,
            {"layers": 2, "heads": 2, "feedforward": 24},
            [0.42722157, 0.32415700, 0.27770782, 0.40067461],
        ),
        (Mlp, {}, [0.54666930, 0.54857481, 0.59367931, 0.60288006]),
    ],
)
def test_a_seed_means_the_same_weights_as_ever(
    kind: type[Headed], hyperparameters: dict[str, int], expected: list[float]
) -> None:
    """Golden scores of untrained weights: the order in which numbers are drawn has not changed."""
    torch.manual_seed(0)
    built = kind(12, width=128, **hyperparameters)
    x_TD = torch.randn(4, 12, generator=torch.Generator().manual_seed(1))
    assert built.scores({"query": x_TD}).tolist() == pytest.approx(expected, abs=2e-6)

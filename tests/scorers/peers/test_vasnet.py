"""VASNet beside its formulas, a frame at a time in float64."""

import math

import pytest
import torch
from authors import inputs_of, peers
from torch import Tensor

from stages.scorers.peers.vasnet import VasNet


def norm(x_D: Tensor, gamma_D: Tensor, beta_D: Tensor) -> Tensor:
    mean = x_D.sum() / len(x_D)
    deviation = math.sqrt(((x_D - mean) ** 2).sum() / (len(x_D) - 1))
    return gamma_D * (x_D - mean) / (deviation + 1e-6) + beta_D


def mixed(weights: dict[str, Tensor], x_TD: Tensor, reach: int | None = None) -> Tensor:
    """What each frame is given: frame i's value goes to j by how much i looks at j."""
    keys, queries, values = (x_TD @ weights[f"{name}.weight"].T for name in "KQV")
    given = torch.zeros_like(values)
    for i, query_D in enumerate(queries):
        seen = [j for j in range(len(x_TD)) if reach is None or abs(i - j) < reach]
        looked = torch.stack([0.06 * query_D @ keys[j] for j in seen]).exp()
        for j, share in zip(seen, looked / looked.sum(), strict=True):
            given[j] += share * values[i]
    return given @ weights["output_linear.weight"].T


def slow(model: VasNet, x_TD: Tensor) -> Tensor:
    w = {name: tensor.double() for name, tensor in model.state_dict().items()}
    attention = {name.removeprefix("att."): of for name, of in w.items() if name.startswith("att.")}
    y_TD = x_TD + mixed(attention, x_TD)
    scores = []
    for y_D in y_TD:
        y_D = norm(y_D, w["layer_norm_y.gamma"], w["layer_norm_y.beta"])
        h = torch.clamp(w["ka.weight"] @ y_D + w["ka.bias"], min=0)
        h = norm(h, w["layer_norm_ka.gamma"], w["layer_norm_ka.beta"])
        scores.append(1 / (1 + torch.exp(-(w["kd.weight"] @ h + w["kd.bias"]))))
    return torch.cat(scores)


@pytest.mark.parametrize("frames", [1, 2, 7, 30])
def test_scores_are_those_of_the_formulas(frames: int) -> None:
    model = peers()["vasnet"]
    assert isinstance(model, VasNet)
    inputs = inputs_of(model, frames)
    expected_T = slow(model, inputs["pool5"].double())
    torch.testing.assert_close(model.scores(inputs).double(), expected_T, atol=1e-5, rtol=0)


def test_it_has_its_authors_parameters_unused_ones_included() -> None:
    """Counted in their code: 7,348,225, of which `kb` and `kc` are 2,099,200."""
    with torch.device("meta"):
        model = VasNet(1024)
    assert sum(each.numel() for each in model.parameters()) == 7_348_225


def test_what_its_authors_never_use_may_be_missing() -> None:
    model = peers()["vasnet"]
    inputs = inputs_of(model, 9)
    state = {n: of for n, of in model.state_dict().items() if not n.startswith(("kb", "kc"))}
    assert torch.equal(VasNet.released(state).eval().scores(inputs), model.scores(inputs))


def test_frames_give_all_of_their_value() -> None:
    model = peers()["vasnet"]
    weights_TT = model.attention(inputs_of(model, 8))[0, 0]
    torch.testing.assert_close(weights_TT.sum(1), torch.ones(8))

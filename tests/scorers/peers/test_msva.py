"""MSVA beside its formulas, a frame at a time in float64."""

import pytest
import torch
from authors import inputs_of, shaken
from test_vasnet import mixed, norm
from torch import Tensor

from stages.errors import UserError
from stages.scorers.peers.msva import Msva


def slow(model: Msva, inputs: dict[str, Tensor], reach: int) -> Tensor:
    w = {name: tensor.double() for name, tensor in model.state_dict().items()}
    attention = {
        name.removeprefix("att1_3."): of for name, of in w.items() if name.startswith("att1_3.")
    }
    sums = []
    for x_TD in inputs.values():
        y_TD = x_TD.double() + mixed(attention, x_TD.double(), reach)
        gamma, beta = w["layer_norm_y_1_3.gamma"], w["layer_norm_y_1_3.beta"]
        sums.append(torch.stack([norm(y_D, gamma, beta) for y_D in y_TD]))
    scores = []
    for h in sum(sums, start=torch.zeros(())):
        for name in ("ka1_3", "kb", "kc"):
            h = w[f"{name}.weight"] @ h + w[f"{name}.bias"]
        h = norm(torch.clamp(h, min=0), w["layer_norm_kc.gamma"], w["layer_norm_kc.beta"])
        scores.append(torch.sigmoid(w["kd.weight"] @ h + w["kd.bias"]))
    return torch.cat(scores)


@pytest.mark.parametrize("frames", [1, 2, 4, 5, 11])
def test_scores_are_those_of_the_formulas(frames: int) -> None:
    """At lengths below, at and beyond its reach."""
    torch.manual_seed(0)
    model = Msva(16, (10, 11, 12), reach=4)
    shaken(model)
    inputs = inputs_of(model, frames)
    expected_T = slow(model, inputs, 4)
    torch.testing.assert_close(model.scores(inputs).double(), expected_T, atol=1e-5, rtol=0)


def test_it_has_its_authors_parameters_unused_ones_included() -> None:
    """Counted in their code: 4,895,046, of which 2,050 are of norms that it never uses."""
    with torch.device("meta"):
        model = Msva(1024)
    assert sum(each.numel() for each in model.parameters()) == 4_895_046


def test_it_is_fed_whatever_is_equally_wide() -> None:
    model = Msva(16, (10, 11, 12)).eval()
    assert model.scores({"query": torch.randn(6, 16)}).shape == (6,)
    with pytest.raises(UserError, match="equally wide; found pool5 16 and clip 8"):
        model.scores({"pool5": torch.randn(6, 16), "clip": torch.randn(6, 8)})

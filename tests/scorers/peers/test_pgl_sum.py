"""PGL-SUM beside its formulas, a frame and a pair of frames at a time in float64."""

import math
import re

import pytest
import torch
from authors import inputs_of, peers
from torch import Tensor

from stages.errors import UserError
from stages.scorers.peers.pgl_sum import PglSum
from stages.scorers.peers.settings import PglSumEntry

Weights = dict[str, Tensor]


def position(row: int, column: int, frames: int, width: int) -> float:
    if column == frames - 1 and frames % 2:
        return 0.0
    angle = row / 10_000 ** ((column - column % 2) / width)
    return math.cos(angle) if column % 2 else math.sin(angle)


def attended(w: Weights, x_TD: Tensor, heads: int) -> Tensor:
    """An attention over the frames given and no others."""
    seen = []
    for i in range(len(x_TD)):
        of_heads = []
        for head in range(heads):
            key, query, value = (w[f"W{name}.{head}.weight"] for name in "kqv")
            energies = [
                (query @ x_TD[i]) @ (key @ x_TD[j]) + position(i, j, len(x_TD), x_TD.shape[1])
                for j in range(len(x_TD))
            ]
            shares = torch.stack(energies).softmax(0)
            of_heads.append(
                sum(share * (value @ x_D) for share, x_D in zip(shares, x_TD, strict=True))
            )
        seen.append(w["out.weight"] @ torch.cat(of_heads))
    return torch.stack(seen)


def norm(x_D: Tensor, weight_D: Tensor, bias_D: Tensor) -> Tensor:
    centred_D = x_D - x_D.mean()
    return weight_D * centred_D / torch.sqrt((centred_D**2).mean() + 1e-6) + bias_D


def part(w: Weights, before: str) -> Weights:
    return {name.removeprefix(before): of for name, of in w.items() if name.startswith(before)}


def slow(model: PglSum, x_TD: Tensor) -> Tensor:
    w = {name: tensor.double() for name, tensor in model.state_dict().items()}
    whole_TD = attended(part(w, "attention.attention."), x_TD, 8)
    length = math.ceil(len(x_TD) / 4)
    scores = []
    for segment in range(4):
        frames = range(segment * length, min((segment + 1) * length, len(x_TD)))
        if not frames:
            continue
        local = part(w, f"attention.local_attention.{segment}.")
        near_TD = attended(local, x_TD[frames.start : frames.stop], 4)
        for t, near_D in zip(frames, near_TD, strict=True):
            y_D = x_TD[t] + whole_TD[t] / whole_TD[t].norm() + near_D / near_D.norm()
            y_D = norm(y_D, w["norm_y.weight"], w["norm_y.bias"])
            h_D = torch.clamp(w["linear_1.weight"] @ y_D + w["linear_1.bias"], min=0)
            h_D = norm(h_D, w["norm_linear.weight"], w["norm_linear.bias"])
            scores.append(torch.sigmoid(w["linear_2.weight"] @ h_D + w["linear_2.bias"]))
    return torch.cat(scores)


@pytest.mark.parametrize("frames", [1, 2, 5, 9, 13, 16, 19])
def test_scores_are_those_of_the_formulas(frames: int) -> None:
    """Lengths at which its authors' code fails are among them."""
    model = peers()["pgl-sum"]
    assert isinstance(model, PglSum)
    inputs = inputs_of(model, frames)
    expected_T = slow(model, inputs["pool5"].double())
    torch.testing.assert_close(model.scores(inputs).double(), expected_T, atol=1e-5, rtol=0)


def test_it_has_its_authors_parameters() -> None:
    """Counted in their code."""
    with torch.device("meta"):
        model = PglSum(1024)
    assert sum(each.numel() for each in model.parameters()) == 9_443_329


def test_every_bias_begins_as_its_authors() -> None:
    biases = [of for name, of in PglSum(16).named_parameters() if name.endswith("bias")]
    assert len(biases) == 4
    assert all((bias == 0.1).all() for bias in biases)


def test_its_maps_are_those_of_the_attention_over_all_frames() -> None:
    model = peers()["pgl-sum"]
    weights_LHTT = model.attention(inputs_of(model, 9))
    assert weights_LHTT.shape == (1, 8, 9, 9)
    torch.testing.assert_close(weights_LHTT.sum(-1), torch.ones(1, 8, 9))


def test_an_input_that_heads_do_not_divide_is_refused() -> None:
    entry = PglSumEntry(title="PGL-SUM", kind="pgl-sum", inputs=("query",))
    with pytest.raises(UserError, match=re.escape("a multiple of 16; found 40")):
        PglSum.build(entry, {"states": 40})

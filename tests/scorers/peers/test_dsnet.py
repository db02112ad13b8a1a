"""DSNet beside its formulas, a frame and an anchor at a time in float64."""

import math
import re
from typing import Any

import numpy as np
import pytest
import torch
from authors import inputs_of, peers
from torch import Tensor

from stages.errors import UserError
from stages.scorers.peers import anchors, centres
from stages.scorers.peers.dsnet import Dsnet
from stages.scorers.peers.settings import DsnetEntry
from stages.scorers.scorer import Batch

SCALES = (4, 8, 16, 32)


def dsnet(heads: str) -> Dsnet:
    model = peers()[f"dsnet {heads}"]
    assert isinstance(model, Dsnet)
    return model


def norm(x_D: Tensor, weight_D: Tensor, bias_D: Tensor) -> Tensor:
    centred_D = x_D - x_D.mean()
    return weight_D * centred_D / torch.sqrt((centred_D**2).mean() + 1e-5) + bias_D


def slow(model: Dsnet, x_TD: Tensor) -> list[dict[str, Tensor]]:
    """Of each frame what the heads give, of each frame and scale where there are anchors."""
    w = {name: tensor.double() for name, tensor in model.state_dict().items()}
    keys, queries, values = (x_TD @ w[f"base_model.{name}.weight"].T for name in "KQV")
    size = x_TD.shape[1] // 8
    attended = []
    for t in range(len(x_TD)):
        parts = []
        for head in (slice(size * h, size * (h + 1)) for h in range(8)):
            energies = [queries[t, head] @ key[head] / math.sqrt(size) for key in keys]
            shares = torch.stack(energies).softmax(0)
            parts.append(sum(share * v[head] for share, v in zip(shares, values, strict=True)))
        y_D = w["base_model.fc.0.weight"] @ torch.cat(parts) + x_TD[t]
        attended.append(norm(y_D, w["layer_norm.weight"], w["layer_norm.bias"]))

    def heads(y_D: Tensor) -> dict[str, Tensor]:
        h = w["fc1.0.weight"] @ y_D + w["fc1.0.bias"]
        h = norm(h.clamp(min=0) if model.free else h.tanh(), w["fc1.3.weight"], w["fc1.3.bias"])
        return {
            name[3:6]: w[name] @ h + w[name.replace("weight", "bias")]
            for name in w
            if name.startswith("fc_") and name.endswith("weight")
        }

    if model.free:
        return [heads(y_D) for y_D in attended]
    means = []
    for t in range(len(x_TD)):
        for scale in SCALES:
            seen = range(max(0, t - scale // 2), min(len(x_TD), t + scale // 2))
            means.append(heads(sum(attended[u] for u in seen) / scale))
    return means


@pytest.mark.parametrize("frames", [2, 5, 22])
@pytest.mark.parametrize("heads", ["anchor-based", "anchor-free"])
def test_heads_are_those_of_the_formulas(heads: str, frames: int) -> None:
    model = dsnet(heads)
    inputs = inputs_of(model, frames)
    expected = slow(model, inputs["pool5"].double())
    found = model.heads(inputs)
    shape = (frames,) if model.free else (frames, 4)
    assert {name: of.shape for name, of in found.items() if name != "loc"} == {
        name: shape for name in expected[0] if name != "loc"
    }
    assert found["loc"].shape == (*shape, 2)
    for name, of in found.items():
        wanted = torch.stack([each[name] for each in expected]).view(of.shape)
        if name != "loc":
            wanted = wanted.sigmoid()
        elif model.free:
            wanted = wanted.exp()
        torch.testing.assert_close(of.double(), wanted, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("heads", ["anchor-based", "anchor-free"])
def test_a_frame_scores_what_the_best_proposal_left_gives_it(heads: str) -> None:
    model = dsnet(heads)
    inputs = inputs_of(model, 22)
    found = {name: of.double() for name, of in model.heads(inputs).items()}
    proposals = []
    if model.free:
        weighed_T = found["cls"] * found["ctr"]
        for t, (score, (left, right)) in enumerate(zip(weighed_T, found["loc"], strict=True)):
            proposals.append((float(score / weighed_T.max()), t - left, t + right + 1))
    else:
        for t in range(22):
            for s, scale in enumerate(SCALES):
                centre, width = found["loc"][t, s]
                middle, half = t + centre * scale, width.exp() * scale / 2
                proposals.append((float(found["cls"][t, s]), middle - half, middle + half))
    left: list[tuple[float, set[int]]] = []
    for score, first, last in sorted(proposals, reverse=True):
        shown = set(range(round(float(first.clamp(0, 22))), round(float(last.clamp(0, 22)))))
        overlap = 0.4 if model.free else 0.5
        if shown and all(len(shown & of) < overlap * len(shown | of) for _, of in left):
            left.append((score, shown))
    expected = [max((score for score, of in left if t in of), default=0.0) for t in range(22)]
    np.testing.assert_allclose(model.scores(inputs).numpy(), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("heads", "count"), [("anchor-based", 4_328_195), ("anchor-free", 4_328_324)]
)
def test_it_has_its_authors_parameters(heads: str, count: int) -> None:
    """Counted in their code."""
    with torch.device("meta"):
        model = Dsnet(1024, heads)
    assert sum(each.numel() for each in model.parameters()) == count


def chosen(frames: int, *runs: tuple[int, int]) -> np.ndarray:
    found = np.zeros(frames, dtype=bool)
    for left, right in runs:
        found[left:right] = True
    return found


def test_anchors_are_taught_by_how_far_they_overlap_what_people_chose() -> None:
    runs = [(3, 9), (20, 37), (52, 56)]
    chosen_T = chosen(60, *runs)
    label_TS, offsets_TS2 = anchors.labels(chosen_T, SCALES, torch.Generator().manual_seed(0))
    apart, poor, drawn = set(), set(), set(zip(*np.nonzero(label_TS == -1), strict=True))
    for t in range(60):
        for s, scale in enumerate(SCALES):
            low, high = t - scale / 2, t + scale / 2
            overlap, best = max(
                (
                    max(0, min(right, high) - max(left, low)) / (max(right, high) - min(left, low)),
                    (left, right),
                )
                for left, right in runs
            )
            assert (label_TS[t, s] == 1) == (overlap > 0.6)
            if overlap > 0.6:
                left, right = best
                moved, stretched = offsets_TS2[t, s]
                assert t + moved * scale == pytest.approx((left + right) / 2)
                assert math.exp(stretched) * scale == pytest.approx(right - left, rel=1e-5)
            elif overlap == 0:
                apart.add((t, s))
            elif overlap <= 0.3:
                poor.add((t, s))
    positive = int((label_TS == 1).sum())
    assert drawn <= apart | poor
    assert len(drawn & apart) == min(len(apart), 2 * positive)
    assert len(drawn & poor) == min(len(poor), positive)


def test_what_is_proposed_by_anchors_is_lowered_by_its_own_terms() -> None:
    torch.manual_seed(0)
    label_TS = torch.tensor([[1, -1], [0, -1], [1, 0]])
    logits_TS, offsets_TS2, wanted_TS2 = (
        torch.randn(3, 2),
        torch.randn(3, 2, 2),
        torch.randn(3, 2, 2),
    )
    p = logits_TS.sigmoid()
    taken = -(math.log(p[0, 0]) + math.log(p[2, 0])) / 2
    left = -(math.log(1 - p[0, 1]) + math.log(1 - p[1, 1])) / 2
    apart = (offsets_TS2 - wanted_TS2)[[0, 2], [0, 0]].abs().flatten().tolist()
    place = sum(d**2 / 2 if d < 1 else d - 0.5 for d in apart) / 4
    found = anchors.loss(logits_TS, offsets_TS2, label_TS, wanted_TS2)
    assert float(found) == pytest.approx((taken + left) / 2 + place, rel=1e-5)
    assert float(anchors.loss(logits_TS, offsets_TS2, 0 * label_TS, wanted_TS2)) == 0


def test_what_is_proposed_without_anchors_is_lowered_by_its_own_terms() -> None:
    torch.manual_seed(0)
    chosen_T = chosen(7, (1, 4), (5, 6))
    wanted_T2 = centres.reaches(chosen_T)
    assert wanted_T2[chosen_T].tolist() == [[0, 2], [1, 1], [2, 0], [0, 0]]
    assert not wanted_T2[~chosen_T].any()
    logits_T, reach_T2, centre_T = torch.randn(7), torch.rand(7, 2) * 3, torch.randn(7)
    p_T, c_T = logits_T.sigmoid(), centre_T.sigmoid()
    focal = place = middle = 0.0
    for t in range(7):
        right = float(p_T[t] if chosen_T[t] else 1 - p_T[t])
        focal -= (1 - right) ** 2 * math.log(right) / 4
        if not chosen_T[t]:
            continue
        (a, b), (c, d) = reach_T2[t].tolist(), wanted_T2[t].tolist()
        shared = min(a, c) + min(b, d)
        place -= math.log(shared / (a + b + c + d - shared) + 1e-8) / 4
        central = min(c, d) / (max(c, d) + 1e-8)
        middle -= (central * math.log(c_T[t]) + (1 - central) * math.log(1 - c_T[t])) / 4
    arguments: Any = (logits_T, reach_T2, centre_T)
    found = centres.loss(*arguments, torch.from_numpy(chosen_T), torch.from_numpy(wanted_T2))
    assert float(found) == pytest.approx(focal + place + middle, rel=1e-5)
    nothing = torch.zeros(7, dtype=torch.bool)
    assert float(centres.loss(*arguments, nothing, torch.zeros(7, 2))) == 0


@pytest.mark.parametrize("heads", ["anchor-based", "anchor-free"])
def test_padding_is_learnt_from_by_nobody(heads: str) -> None:
    model = dsnet(heads)
    x_BTD = torch.randn(2, 30, 16)
    keyshots_BT = torch.from_numpy(np.stack([chosen(30, (4, 10)), chosen(30, (8, 17), (20, 30))]))
    valid_BT = torch.arange(30) < torch.tensor([[18], [30]])
    together = Batch({"states": x_BTD}, torch.rand(2, 30), valid_BT, keyshots_BT)
    apart = [
        model.learnt(
            Batch(
                {"states": x_BTD[row, None, :t]},
                torch.rand(1, t),
                valid_BT[row, None, :t],
                keyshots_BT[row, None, :t],
                whole=True,
            )
        )
        for row, t in enumerate((18, 30))
    ]
    torch.testing.assert_close(model.learnt(together), sum(apart) / 2)


def test_what_does_not_fit_is_refused() -> None:
    said: Any = {"title": "DSNet", "kind": "dsnet", "inputs": ("query",), "heads": "anchor-based"}
    with pytest.raises(UserError, match=re.escape("a multiple of attention_heads 8; found 30")):
        Dsnet.build(DsnetEntry(**said), {"states": 30})
    with pytest.raises(ValueError, match="scales must be even"):
        DsnetEntry(**said, scales=(4, 7))

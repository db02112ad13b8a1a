"""CLIP-It beside its formulas, a frame at a time in float64."""

import math

import pytest
import torch
from authors import Formulas, inputs_of, peers
from torch import Tensor

from stages.errors import UserError
from stages.scorers.peers.clip_it import ClipIt
from stages.scorers.scorer import Batch


@pytest.fixture
def model() -> ClipIt:
    built = peers()["clip-it"]
    assert isinstance(built, ClipIt)
    return built


def slow(model: ClipIt, inputs: dict[str, Tensor]) -> Tensor:
    formulas = Formulas(model)
    w, line, norm = formulas.w, formulas.line, formulas.norm

    def attended(at: str, heads: int, asks: list[Tensor], told: list[Tensor]) -> list[Tensor]:
        weight, bias = w[f"{at}.in_proj_weight"].chunk(3), w[f"{at}.in_proj_bias"].chunk(3)
        keys = [weight[1] @ x + bias[1] for x in told]
        values = [weight[2] @ x + bias[2] for x in told]
        size = len(bias[0]) // heads
        found = []
        for x in asks:
            ask, mixed = weight[0] @ x + bias[0], []
            for head in range(heads):
                of = slice(size * head, size * (head + 1))
                logits = torch.stack([ask[of] @ key[of] for key in keys]) / math.sqrt(size)
                shares = logits.exp() / logits.exp().sum()
                mixed.append(sum(s * v[of] for s, v in zip(shares, values, strict=True)))
            found.append(line(f"{at}.out_proj", torch.cat(mixed)))
        return found

    features, captions = inputs["clip"].double(), inputs["sentence"].double()
    frames = len(features)
    read = [math.floor((part + 0.5) * frames / 7) for part in range(7)]
    text = line("captions", torch.cat([captions[frame] for frame in read]))
    rows = []
    answers = attended("guide", 4, list(features), [text])
    for place, (x, answer) in enumerate(zip(features, answers, strict=True)):
        angles = [torch.tensor(place / 10000 ** (at / 16)) for at in range(0, 16, 2)]
        table = torch.stack([f(a) for a in angles for f in (torch.sin, torch.cos)])
        rows.append(norm("guided", x + answer) + table)
    for layer in range(2):
        at = f"encoder.layers.{layer}"
        seen = attended(f"{at}.self_attn", 8, rows, rows)
        rows = [norm(f"{at}.norm1", x + y) for x, y in zip(rows, seen, strict=True)]
        inner = [line(f"{at}.linear2", line(f"{at}.linear1", x).clamp(min=0)) for x in rows]
        rows = [norm(f"{at}.norm2", x + y) for x, y in zip(rows, inner, strict=True)]
    return torch.cat([1 / (1 + (-line("score", x)).exp()) for x in rows])


@pytest.mark.parametrize("frames", [1, 3, 20])
def test_scores_are_those_of_the_formulas(model: ClipIt, frames: int) -> None:
    inputs = inputs_of(model, frames)
    torch.testing.assert_close(
        model.scores(inputs).double(), slow(model, inputs), atol=1e-6, rtol=1e-4
    )


def test_it_reads_captions_evenly_spaced_and_no_others(model: ClipIt) -> None:
    inputs = inputs_of(model, 70)
    before = model.scores(inputs)
    inputs["sentence"][[5, 15, 25, 35, 45, 55, 65]] += 1
    assert not torch.allclose(model.scores(inputs), before)
    inputs["sentence"][[5, 15, 25, 35, 45, 55, 65]] -= 1
    inputs["sentence"][[0, 6, 34, 69]] += 1
    torch.testing.assert_close(model.scores(inputs), before)


def test_keyframes_and_the_rest_weigh_alike_in_each_video(model: ClipIt) -> None:
    scores_BT = torch.tensor([[0.9, 0.2, 0.3, 0.4], [0.5, 0.6, 0.0, 0.0]])
    chosen_BT = torch.tensor([[1, 0, 0, 0], [0, 1, 0, 0]]).bool()
    valid_BT = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0]]).bool()
    found = model.loss(scores_BT, Batch({}, scores_BT, valid_BT, chosen_BT))
    rest = -(math.log(0.8) + math.log(0.7) + math.log(0.6)) / 3
    expected = (-math.log(0.9) + rest - math.log(0.6) - math.log(0.5)) / 4
    assert float(found) == pytest.approx(expected, rel=1e-5)


def test_there_is_no_release_of_it(model: ClipIt) -> None:
    with pytest.raises(UserError, match="released no weights"):
        ClipIt.released(model.state_dict())

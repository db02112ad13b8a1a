"""The encoder of a CPU's training against torch's own.

Shapes: N frames of all videos, T frames of one, M width.
"""

import pytest
import torch
from torch import Tensor, nn

from stages.scorers.dropout import Draws
from stages.scorers.encoder import _Attention, encoded

WIDTH, HEADS = 32, 2


def encoder(dropout: float = 0.0, layers: int = 2) -> nn.TransformerEncoder:
    torch.manual_seed(3)
    layer = nn.TransformerEncoderLayer(WIDTH, HEADS, 48, dropout, batch_first=True)
    made = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
    for parameter in made.parameters():
        nn.init.normal_(parameter, std=0.3)
    return made


def one_by_one(made: nn.TransformerEncoder, x_NM: Tensor, lengths: list[int]) -> Tensor:
    return torch.cat([made(x_TM[None])[0] for x_TM in x_NM.split(lengths)])


LENGTHS = ([1], [7], [255, 256, 257], [5, 520, 1])


@pytest.mark.parametrize("lengths", LENGTHS)
@pytest.mark.parametrize("training", [False, True])
def test_it_is_torchs_encoder_of_each_video_alone(lengths: list[int], training: bool) -> None:
    made = encoder().train(training)
    x_NM = torch.randn(sum(lengths), WIDTH)
    with torch.no_grad():
        torch.testing.assert_close(
            encoded(made, x_NM, lengths), one_by_one(made, x_NM, lengths), rtol=1e-5, atol=1e-5
        )


@pytest.mark.parametrize("lengths", LENGTHS)
def test_so_are_its_gradients(lengths: list[int]) -> None:
    made = encoder().double()
    x_NM = torch.randn(sum(lengths), WIDTH, dtype=torch.float64, requires_grad=True)
    wanted = [x_NM, *made.parameters()]
    weight_NM = torch.randn_like(x_NM)
    ours = torch.autograd.grad((encoded(made, x_NM, lengths) * weight_NM).sum(), wanted)
    theirs = torch.autograd.grad((one_by_one(made, x_NM, lengths) * weight_NM).sum(), wanted)
    for our, their in zip(ours, theirs, strict=True):
        torch.testing.assert_close(our, their, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("dropout", [0.0, 0.4])
def test_the_gradient_of_attention_is_that_of_what_it_computes(dropout: float) -> None:
    def attended(x_T3M: Tensor) -> Tensor:
        torch.manual_seed(1)  # the same elements dropped each time
        found: Tensor = _Attention.apply(x_T3M, 2, Draws(dropout) if dropout else None)
        return found

    x_T3M = torch.randn(9, 24, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(attended, x_T3M)


def test_dropout_drops_as_often_as_it_is_told_and_keeps_the_mean() -> None:
    torch.manual_seed(0)
    draws = Draws(0.1)
    kept = draws.kept(torch.empty(1000, 1000, dtype=torch.float64))
    assert set(kept.unique().tolist()) == {0.0, 1.0}
    # four standard deviations of a share of a million
    assert abs(float(kept.mean()) - 0.9) < 4 * (0.1 * 0.9 / 1e6) ** 0.5
    assert draws.scale == pytest.approx(1 / 0.9, rel=1e-4)


@pytest.mark.parametrize("part", ["dropout", "dropout1", "dropout2"])
def test_layers_that_drop_otherwise_than_the_first_are_refused(part: str) -> None:
    made = encoder(0.1).train()
    x_NM = torch.randn(7, WIDTH)
    encoded(made, x_NM, [7])
    getattr(made.layers[1], part).p = 0.2
    with pytest.raises(ValueError, match=r"must be alike here, and are \[0\.1, 0\.2\]"):
        encoded(made, x_NM, [7])
    made.eval()
    encoded(made, x_NM, [7])


def test_weights_of_attention_are_dropped_alike_or_refused() -> None:
    made = encoder(0.1).train()
    made.layers[1].self_attn.dropout = 0.0
    with pytest.raises(ValueError, match="must be alike"):
        encoded(made, torch.randn(7, WIDTH), [7])


def test_no_two_masks_are_alike_or_related() -> None:
    torch.manual_seed(0)
    like = torch.empty(400, 400)
    first, again = Draws(0.5), Draws(0.5)
    masks = [first.kept(like), first.kept(like), again.kept(like)]
    columns = torch.stack([mask.flatten() for mask in [*masks, masks[0].T, masks[0].roll(1)]])
    apart = torch.corrcoef(columns) - torch.eye(5)
    assert apart.abs().max() < 4 / 400


def test_what_is_dropped_follows_from_torchs_seed() -> None:
    made = encoder(0.5).train()
    x_NM = torch.randn(20, WIDTH)

    def run(seed: int) -> Tensor:
        torch.manual_seed(seed)
        return encoded(made, x_NM, [20])

    assert torch.equal(run(4), run(4))
    assert not torch.equal(run(4), run(5))


def test_with_dropout_its_mean_and_spread_are_those_of_torchs() -> None:
    made = encoder(0.3, layers=1).train()
    x_NM = torch.randn(6, WIDTH)
    torch.manual_seed(0)
    runs = 500
    with torch.no_grad():
        ours = torch.stack([encoded(made, x_NM, [6]) for _ in range(runs)])
        theirs = torch.stack([made(x_NM[None])[0] for _ in range(runs)])
    error = theirs.std(0) / runs**0.5
    assert ((ours.mean(0) - theirs.mean(0)).abs() < 7 * error).all()
    assert (ours.std(0) / theirs.std(0)).log().abs().max() < 0.3

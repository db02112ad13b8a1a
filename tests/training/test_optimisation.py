"""The release's way of stepping, against closed forms and steps taken by hand."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest
import torch
from lessons import ATTENTION, CPU, SETTINGS, videos
from torch import Tensor, nn

from stages.training.batches import Video
from stages.training.fitting import fit, predict
from stages.training.optimisation import Optimisation
from stages.training.settings import Schedule, Train

PLAIN = ATTENTION.model_copy(update={"dropout": 0.0})


def settings(**changes: object) -> Train:
    return SETTINGS.model_copy(update={"weight_decay": 0.0, **changes})


def weights_after(losses: Sequence[Tensor], chosen: Train) -> Tensor:
    """Where two weights go in one epoch whose passes have these gradients, (passes, 2)."""
    layer = nn.Linear(2, 1, bias=False)
    nn.init.ones_(layer.weight)
    optimisation = Optimisation(layer, chosen, CPU)
    for number, gradient in enumerate(losses):
        optimisation.learn((layer.weight[0] * gradient).sum(), number, len(losses))
    return layer.weight.detach()[0]


def adam(gradients: Sequence[Tensor], lr: float) -> Tensor:
    """Kingma and Ba's update, from two ones, at torch's defaults."""
    weight, m, v = torch.ones(2), torch.zeros(2), torch.zeros(2)
    for step, gradient in enumerate(gradients, 1):
        m, v = 0.9 * m + 0.1 * gradient, 0.999 * v + 0.001 * gradient**2
        weight = weight - lr * (m / (1 - 0.9**step)) / (torch.sqrt(v / (1 - 0.999**step)) + 1e-8)
    return weight


def gradients(count: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(2, generator=generator) for _ in range(count)]


@pytest.mark.parametrize("schedule", [Schedule(period=4, floor=1e-5), None])
def test_the_rate_follows_the_cosine_and_climbs_back(schedule: Schedule | None) -> None:
    chosen = settings(schedule=schedule, epochs=10, lr=1e-3)
    curve = fit(videos(), videos(2, 1), PLAIN, chosen, seed=0, where=CPU).curve
    rates = [point.lr for point in curve]
    expected = [
        1e-5 + (1e-3 - 1e-5) * (1 + math.cos(math.pi * epoch / 4)) / 2 for epoch in range(10)
    ]
    assert rates == pytest.approx(expected if schedule else [1e-3] * 10)
    if schedule:
        assert rates[4] == pytest.approx(1e-5)
        assert rates[8] == pytest.approx(1e-3)


def test_passes_of_a_step_are_averaged_and_a_group_cut_short_still_steps() -> None:
    each = gradients(5)
    steps = [(each[0] + each[1]) / 2, (each[2] + each[3]) / 2, each[4]]
    found = weights_after(each, settings(accumulate=2))
    torch.testing.assert_close(found, adam(steps, SETTINGS.lr))


def test_a_gradient_longer_than_clip_is_cut_to_it_and_a_shorter_one_left() -> None:
    long, short = torch.tensor([3.0, 4.0]), torch.tensor([0.03, 0.04])
    found = weights_after([long, short], settings(clip=0.5))
    torch.testing.assert_close(found, adam([long / 10, short], SETTINGS.lr))


def test_what_is_clipped_is_the_gradient_of_the_whole_step() -> None:
    each = [torch.tensor([3.0, 4.0]), torch.tensor([3.0, -4.0])]
    found = weights_after([*each, *each], settings(clip=0.5, accumulate=2))
    torch.testing.assert_close(found, adam([torch.tensor([0.5, 0.0])] * 2, SETTINGS.lr))


def test_accumulated_passes_train_as_one_larger_batch() -> None:
    generator = torch.Generator().manual_seed(0)
    same_length = [
        Video(
            f"video_{number}",
            {"states": torch.randn(6, 8, generator=generator)},
            torch.rand(6, generator=generator),
        )
        for number in range(5)
    ]

    def scores(batch: int, accumulate: int) -> npt.NDArray[np.float32]:
        chosen = settings(batch=batch, accumulate=accumulate)
        model = fit(same_length, same_length, PLAIN, chosen, seed=0, where=CPU).model
        return np.array([predict(model, video) for video in same_length])

    whole = scores(4, 1)
    np.testing.assert_allclose(scores(2, 2), whole, atol=1e-4)
    np.testing.assert_allclose(scores(1, 4), whole, atol=1e-4)
    assert np.abs(scores(1, 1) - whole).max() > 1e-3


def test_adams_weight_decay_is_a_part_of_the_gradient_and_adamws_is_not() -> None:
    gradient, rate, decay = torch.tensor([0.5, -0.02]), SETTINGS.lr, 0.1
    chosen = settings(weight_decay=decay)
    of_adam = weights_after([gradient], chosen.model_copy(update={"optimiser": "adam"}))
    torch.testing.assert_close(of_adam, adam([gradient + decay * torch.ones(2)], rate))
    apart = adam([gradient], rate) - rate * decay * torch.ones(2)
    torch.testing.assert_close(weights_after([gradient], chosen), apart)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_learns_what_float32_does_to_its_own_rounding(dtype: str) -> None:
    found = {}
    for each in ("float32", dtype):
        chosen = settings(dtype=each, epochs=8, lr=3e-3, clip=1.0)
        found[each] = fit(videos(), videos(2, 1), PLAIN, chosen, seed=0, where=CPU)
    whole, half = ([point.train_loss for point in found[each].curve] for each in ("float32", dtype))
    assert whole != half
    assert half == pytest.approx(whole, rel=0.05)
    assert half[-1] < half[0]
    assert all(weight.dtype is torch.float32 for weight in found[dtype].model.parameters())

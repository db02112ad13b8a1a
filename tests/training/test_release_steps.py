"""A step of the real recipes is the release's: five GPUs, a video a pass, two passes each."""

from pathlib import Path

import pytest
import torch
from lessons import ATTENTION, CPU, SETTINGS
from torch import Tensor, nn
from torch.utils.data import DistributedSampler

from stages import params
from stages.artifacts.names import natural
from stages.params import Recipe
from stages.scorers import registry
from stages.scorers.scorer import Scorer
from stages.splits.folds import splits
from stages.splits.settings import Protocol
from stages.training.batches import Video, padded
from stages.training.fitting import fit

GPUS, EACH = 5, 2
PLAIN = ATTENTION.model_copy(update={"dropout": 0.0})
VIDEOS = {"summe": 25, "tvsum": 50}


def recipe(name: str) -> Recipe:
    return params.load(Path(__file__).parents[2] / "params.yaml").datasets[name]


def learnt_from(count: int) -> list[Video]:
    random = torch.Generator().manual_seed(1)
    made = []
    for number in range(count):
        x_TD = torch.randn(3 + number % 7, 8, generator=random)
        made.append(Video(f"video_{number + 1}", {"states": x_TD}, x_TD[:, 0].sigmoid()))
    return made


def on_five_gpus(videos: list[Video], lr: float, clip: float) -> dict[str, Tensor]:
    """An epoch by hand: every GPU's own accumulation, the mean of their gradients, one step."""
    torch.manual_seed(0)
    model: Scorer = registry.build(PLAIN, videos[0].widths)
    parameters = list(model.parameters())
    optimizer = torch.optim.AdamW(parameters, lr=lr, weight_decay=0.01)
    dealt: list[list[int]] = [
        list(DistributedSampler(videos, GPUS, gpu, shuffle=True, seed=0))  # type: ignore[arg-type]
        for gpu in range(GPUS)
    ]
    for first in range(0, len(dealt[0]), EACH):
        of_gpus = []
        for mine in dealt:
            model.zero_grad()
            for index in mine[first : first + EACH]:
                batch = padded([videos[index]])
                scores_BT = model(batch.inputs, batch.valid_BT)
                loss = nn.functional.mse_loss(scores_BT, batch.gtscore_BT) / EACH
                loss.backward()  # type: ignore[no-untyped-call]
            of_gpus.append([_gradient(parameter).clone() for parameter in parameters])
        for parameter, gradients in zip(parameters, zip(*of_gpus, strict=True), strict=True):
            parameter.grad = torch.stack(gradients).mean(0)
        nn.utils.clip_grad_norm_(parameters, clip)
        optimizer.step()
    return model.state_dict()


def _gradient(parameter: nn.Parameter) -> Tensor:
    assert parameter.grad is not None
    return parameter.grad


@pytest.mark.parametrize("count", [20, 40])
def test_ten_passes_a_step_learn_as_five_gpus_of_two(count: int) -> None:
    videos = learnt_from(count)
    clip = 0.01
    settings = SETTINGS.model_copy(update={"batch": 1, "clip": clip, "epochs": 1})

    def apart(accumulate: int) -> float:
        """The largest difference of a weight from the five GPUs'."""
        chosen = settings.model_copy(update={"accumulate": accumulate})
        learnt = fit(videos, videos[:1], PLAIN, chosen, seed=0, where=CPU).model.state_dict()
        theirs = on_five_gpus(videos, settings.lr, clip)
        return max(float((learnt[name] - theirs[name]).abs().max()) for name in theirs)

    assert apart(GPUS * EACH) < 1e-5
    assert apart(EACH) > 1e-3


@pytest.mark.parametrize(("name", "steps"), [("summe", 2), ("tvsum", 4)])
@pytest.mark.parametrize("protocol", ["official", "strict"])
def test_the_real_recipes_take_whole_steps_of_ten(
    name: str, steps: int, protocol: Protocol
) -> None:
    of = recipe(name)
    assert of.train is not None
    names = sorted((f"video_{number + 1}" for number in range(VIDEOS[name])), key=natural)
    for split in splits(protocol, of.splits.source, names, of.splits.folds):
        assert of.train.batch == 1
        assert of.train.accumulate == GPUS * EACH
        assert len(split.train) == steps * of.train.accumulate


def test_the_captions_recipes_still_take_a_video_a_step() -> None:
    for name in ("summe-captions", "tvsum-captions"):
        of = recipe(name)
        assert of.train is not None
        assert (of.train.batch, of.train.accumulate) == (1, 1)

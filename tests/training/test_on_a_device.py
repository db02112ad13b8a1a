"""On a device a pass neither moves anything nor waits, and an evaluation waits once.

The device is torch's `meta`, whose tensors have shapes and no content: whoever asks for content, as
an `.item()` does, fails.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
import torch
from lessons import ATTENTION, CPU, MLP, SETTINGS, videos
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from stages.scorers import registry
from stages.scorers.settings import Entry
from stages.training import held_out
from stages.training.batches import padded
from stages.training.fitting import fit
from stages.training.held_out import HeldOut, Watch, one_by_one, scores_of
from stages.training.optimisation import Optimisation
from stages.training.passes import Passes

DEVICE = torch.device("meta")
CHOSEN = SETTINGS.model_copy(update={"clip": 0.01, "accumulate": 2})


class Crossings(TorchDispatchMode):
    """What goes from the host to the device or back."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def __torch_dispatch__(
        self, function: Any, types: Any, args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        try:
            made = function(*args, **(kwargs or {}))
        except (NotImplementedError, RuntimeError):
            self.seen.append(str(function))
            raise
        # A number of the host may go along with a kernel; it is not waited for.
        given = {of.device.type for of in _tensors(args) if of.dim()}
        if given and {of.device.type for of in _tensors(made)} - given:
            self.seen.append(str(function))
        return made


def _tensors(of: Any) -> Iterator[Tensor]:
    if isinstance(of, Tensor):
        yield of
    elif isinstance(of, list | tuple):
        for each in of:
            yield from _tensors(each)


@pytest.fixture(autouse=True)
def steps_without_a_kernel_of_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    """AdamW in one kernel is there for real devices alone."""
    fused = torch.optim.AdamW

    def plain(*args: Any, **options: Any) -> torch.optim.AdamW:
        return fused(*args, **options | {"fused": False})

    monkeypatch.setattr(torch.optim, "AdamW", plain)


def passes(entry: Entry) -> Passes:
    model = registry.build(entry, {"states": 8}).to(DEVICE)
    return Passes(model, videos(), Optimisation(model, CHOSEN, DEVICE), DEVICE)


@pytest.mark.parametrize("entry", [ATTENTION, MLP])
def test_videos_go_to_the_device_once_and_passes_move_nothing_and_wait_for_nothing(
    entry: Entry,
) -> None:
    with Crossings() as before:
        model = registry.build(entry, {"states": 8}).to(DEVICE)
        weights = len(before.seen)
        learning = Passes(model, videos(), Optimisation(model, CHOSEN, DEVICE), DEVICE)
    assert len(before.seen) - weights == 2 * len(videos())
    with Crossings() as during:
        for _ in range(2):
            learning.begin()
            for number in range(4):
                learning.learn([number], number, 4)
            learning.learn([4, 0, 2], 0, 1)
    assert during.seen == []


@pytest.mark.parametrize("entry", [ATTENTION, MLP])
def test_the_mean_loss_waits_when_it_is_asked_for(entry: Entry) -> None:
    learning = passes(entry)
    learning.learn([1], 0, 1)
    with pytest.raises(RuntimeError, match="item"):
        _ = learning.loss


@pytest.mark.parametrize("entry", [ATTENTION, MLP])
def test_an_evaluation_waits_once(entry: Entry) -> None:
    model = registry.build(entry, {"states": 8}).to(DEVICE)
    tested = videos(4, 1)
    watch = Watch(tested, {video.name: lambda scores_T: (0, 0) for video in tested}, True)
    measured = HeldOut(tested, watch, DEVICE)
    with Crossings() as crossed, pytest.raises(NotImplementedError, match="no data"):
        measured.measure(model)
    assert len(crossed.seen) == 1


@pytest.mark.parametrize("entry", [ATTENTION, MLP])
def test_videos_scored_one_by_one_have_the_scores_of_a_batch(entry: Entry) -> None:
    model = registry.build(entry, {"states": 8}).eval()
    some = videos(5, 2)
    lengths = [len(video.gtscore_T) for video in some]
    with torch.inference_mode():
        together = scores_of(model, padded(some), lengths)
        apart = one_by_one(model, padded(some), lengths)
    assert together.shape == apart.shape
    assert float((together - apart).abs().max()) < 1e-6
    assert all((apart[row, length:] == 0).all() for row, length in enumerate(lengths))


def test_a_training_that_scores_one_by_one_learns_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def curve() -> list[float]:
        found = fit(videos(), videos(3, 1), ATTENTION, CHOSEN, seed=0, where=CPU).curve
        return [loss for point in found for loss in (point.train_loss, point.test_loss)]

    together = curve()
    monkeypatch.setattr(held_out, "scores_of", one_by_one)
    assert curve() == pytest.approx(together, abs=1e-6)

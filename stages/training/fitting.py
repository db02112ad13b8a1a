"""Fitting a scorer to people's mean scores, one seed and one split at a time.

Shapes: T frames.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from stages.errors import UserError
from stages.scorers import registry
from stages.scorers.scorer import Scorer, alone
from stages.scorers.settings import Entry
from stages.training.batches import Video
from stages.training.held_out import HeldOut, Watch
from stages.training.optimisation import Optimisation
from stages.training.passes import Passes
from stages.training.settings import Train
from stages.training.shelf import changed
from stages.training.standardisation import Standardisation
from stages.work.determinism import reproducible


@dataclass(frozen=True)
class Epoch:
    """A point of the learning curves, at an epoch's end or, x.5, after half of its passes.

    lr is the epoch's rate; losses are means over frames (squared errors, unless the scorer lowers
    another), the training one over the epoch's passes so far; tau and rho are the agreement on the
    videos watched, None where none are.
    """

    epoch: float
    lr: float
    train_loss: float
    test_loss: float
    tau: float | None = None
    rho: float | None = None


@dataclass(frozen=True, eq=False)
class Trained:
    """The model kept, in evaluation mode, how it got there, and the epoch it is of.

    It takes inputs as they are, standardised in training or not.
    """

    model: Scorer
    curve: list[Epoch]
    epoch: float


def device() -> torch.device:
    """Where accelerate would train: the GPU where there is one."""
    from accelerate import Accelerator

    chosen: torch.device = Accelerator().device
    return chosen


@contextmanager
def one_thread(where: torch.device) -> Iterator[None]:
    """A single thread on a CPU: a small scorer needs no more, and their number would decide the
    last bits.
    """
    threads = torch.get_num_threads()
    if where.type == "cpu":
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


class _Best:
    """The weights of the best agreement seen, which is better than before in every share of the
    videos watched; the earliest of equals.
    """

    def __init__(self) -> None:
        self._shares: tuple[float, ...] = ()
        self._weights: dict[str, Tensor] = {}
        self.epoch = 0.0

    def offer(self, model: Scorer, epoch: float, shares: tuple[float, ...]) -> None:
        before = self._shares or (-math.inf,) * len(shares)
        if shares and all(new > old for new, old in zip(shares, before, strict=True)):
            self._shares, self.epoch = shares, epoch
            self._weights = {name: of.clone() for name, of in model.state_dict().items()}

    def restore(self, model: Scorer) -> None:
        model.load_state_dict(self._weights)


def fit(
    train: Sequence[Video],
    test: Sequence[Video],
    entry: Entry,
    settings: Train,
    *,
    seed: int,
    where: torch.device,
    watch: Watch | None = None,
    on_point: Callable[[Epoch], None] = lambda point: None,
) -> Trained:
    """Train on some videos for `settings.epochs`, whole videos at a time.

    Without `watch`, the last epoch's weights are kept, and nothing is chosen. With it, those of
    the evaluation with the best mean τ, or ρ, over the videos watched; the other and F1 are then
    of the same weights. The release keeps a checkpoint of either, judging its test videos every
    half epoch, and its test script takes the one of ρ.

    Args:
        train: videos to learn from.
        test: videos whose loss is drawn beside; by itself nothing is chosen by it.
        entry: which scorer, and its hyperparameters.
        settings: the recipe's `train` section, as it is for this row.
        seed: of the initial weights, the order of the videos and the dropout.
        where: device to train on.
        watch: what to choose the weights by.
        on_point: told of each point of the curve.

    Raises:
        UserError: a loss is no longer a number.
    """
    if not registry.scorer(entry.kind).learns:
        return _as_built(train, test, entry, where)
    standardisation = Standardisation.of(train) if settings.standardise else None
    if standardisation is not None:
        train = changed(train, standardisation.apply)
        test = changed(test, standardisation.apply)
        if watch is not None:
            watch = replace(watch, videos=changed(watch.videos, standardisation.apply))
    with reproducible(seed):
        model = registry.build(entry, train[0].widths).to(where)
        optimisation = Optimisation(model, settings, where)
        order = torch.Generator().manual_seed(seed)
        held_out = HeldOut(test, watch, where)
        passes = Passes(model, train, optimisation, where)
        starts = range(0, len(train), settings.batch)
        half = len(starts) // 2 if watch is not None and watch.halfway else 0
        curve: list[Epoch] = []
        best = _Best()
        for epoch in range(1, settings.epochs + 1):
            model.train()
            passes.begin()
            shuffled = torch.randperm(len(train), generator=order).tolist()
            for number, start in enumerate(starts):
                chosen = shuffled[start : start + settings.batch]
                passes.learn(chosen, number, len(starts))
                if number + 1 not in (half, len(starts)):
                    continue
                reached = epoch if number + 1 == len(starts) else epoch - 0.5
                loss, tau, rho, shares = held_out.measure(model)
                point = Epoch(reached, optimisation.rate, passes.loss, loss, tau, rho)
                _check(point)
                curve.append(point)
                best.offer(model, reached, shares)
                on_point(point)
            optimisation.end_epoch()
        model.eval()
        if watch is not None:
            best.restore(model)
        model.cpu()
        if standardisation is not None:
            standardisation.fold(model)
        return Trained(model, curve, curve[-1].epoch if watch is None else best.epoch)


def _as_built(
    train: Sequence[Video], test: Sequence[Video], entry: Entry, where: torch.device
) -> Trained:
    """A scorer that learns nothing: its curve is one point, of rate 0."""
    model = registry.build(entry, train[0].widths)
    losses = [HeldOut(videos, None, where).measure(model)[0] for videos in (train, test)]
    return Trained(model.eval(), [Epoch(1, 0.0, *losses)], 1)


def _check(point: Epoch) -> None:
    for loss in (point.train_loss, point.test_loss):
        if not math.isfinite(loss):
            raise UserError(
                f"training fell apart in epoch {point.epoch:g} (loss {loss}); lower its lr in "
                "params.yaml: of the row (datasets.D.train.models.M, models.M.train), where it has "
                "one of its own, else datasets.D.train.lr"
            )


@torch.inference_mode()
def predict(model: Scorer, video: Video) -> npt.NDArray[np.float32]:
    """Scores of one video (T,), in 0..1, alone in its batch. The model is in evaluation mode."""
    scores_T: npt.NDArray[np.float32] = model(alone(video.inputs))[0].numpy()
    return scores_T

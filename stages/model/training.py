"""Fitting the model to people's mean scores, one seed and one fold at a time.

Shapes: B videos, T frames, D embedding width.
"""

import math
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from stages.errors import UserError
from stages.model.batches import Batch, Video, padded
from stages.model.global_attention import GlobalAttention
from stages.model.standardisation import Standardisation
from stages.params import Train


@dataclass(frozen=True)
class Epoch:
    """A point of the learning curves; losses are mean squared errors over frames."""

    epoch: int
    lr: float
    train_loss: float
    test_loss: float


@dataclass(frozen=True, eq=False)
class Trained:
    """The model after its last epoch, in evaluation mode, and how it got there.

    It takes embeddings as the LLM gives them, standardised in training or not.
    """

    model: GlobalAttention
    curve: list[Epoch]


def device() -> torch.device:
    """Where accelerate would train: the GPU where there is one."""
    from accelerate import Accelerator

    chosen: torch.device = Accelerator().device
    return chosen


@contextmanager
def _reproducible(seed: int) -> Iterator[None]:
    """Inside, everything random follows from the seed; the caller's generators stay untouched."""
    # cuBLAS reads it when it is first used; without it its sums vary from run to run.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    before = torch.are_deterministic_algorithms_enabled()
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        torch.use_deterministic_algorithms(True)
        try:
            yield
        finally:
            torch.use_deterministic_algorithms(before)


def squared_error(scores_BT: Tensor, batch: Batch) -> Tensor:
    """Mean over real frames of (score - gtscore)²: padding counts nowhere."""
    return functional.mse_loss(scores_BT[batch.valid_BT], batch.gtscore_BT[batch.valid_BT])


def _to(batch: Batch, where: torch.device) -> Batch:
    return Batch(*(tensor.to(where) for tensor in batch))


def fit(
    train: Sequence[Video],
    test: Sequence[Video],
    settings: Train,
    attention: bool,
    seed: int,
    where: torch.device,
    on_epoch: Callable[[Epoch], None] = lambda epoch: None,
) -> Trained:
    """Train on some videos for `settings.epochs`, in batches of whole videos, with AdamW.

    Args:
        train: videos to learn from.
        test: videos whose loss is drawn beside; nothing is chosen by it.
        settings: the recipe's `train` section.
        attention: False trains the row without the encoder.
        seed: of the initial weights, the order of the videos and the dropout.
        where: device to train on.
        on_epoch: told of each finished epoch.

    Raises:
        UserError: the loss is no longer a number.
    """
    standardisation = Standardisation.of(train) if settings.standardise else None
    if standardisation is not None:
        train = [standardisation.apply(video) for video in train]
        test = [standardisation.apply(video) for video in test]
    with _reproducible(seed):
        model = GlobalAttention(
            train[0].x_TD.shape[1],
            settings.width,
            settings.layers,
            settings.heads,
            settings.feedforward,
            settings.dropout,
            attention,
        ).to(where)
        optimizer = torch.optim.AdamW(
            model.parameters(), lr=settings.lr, weight_decay=settings.weight_decay, fused=True
        )
        order = torch.Generator().manual_seed(seed)
        held_out = _to(padded(test), where)
        curve = []
        for epoch in range(1, settings.epochs + 1):
            rate = settings.lr
            model.train()
            squares, frames = 0.0, 0
            shuffled = torch.randperm(len(train), generator=order).tolist()
            for start in range(0, len(train), settings.batch):
                chosen = shuffled[start : start + settings.batch]
                batch = _to(padded([train[index] for index in chosen]), where)
                loss = squared_error(model(batch.x_BTD, batch.valid_BT), batch)
                optimizer.zero_grad(set_to_none=True)
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                size = int(batch.valid_BT.sum())
                squares, frames = squares + loss.item() * size, frames + size
            model.eval()
            with torch.inference_mode():
                scores_BT = model(held_out.x_BTD, held_out.valid_BT)
                test_loss = squared_error(scores_BT, held_out).item()
            point = Epoch(epoch, rate, squares / frames, test_loss)
            if not math.isfinite(point.train_loss):
                raise UserError(
                    f"training fell apart in epoch {epoch} (loss {point.train_loss}); "
                    "lower train.lr in params.yaml"
                )
            curve.append(point)
            on_epoch(point)
        model.cpu()
        if standardisation is not None:
            standardisation.fold(model)
        return Trained(model, curve)


@torch.inference_mode()
def predict(model: GlobalAttention, video: Video) -> npt.NDArray[np.float32]:
    """Scores of one video (T,), in 0..1, alone in its batch. The model is in evaluation mode."""
    scores_T: npt.NDArray[np.float32] = model(video.x_TD[None])[0].numpy()
    return scores_T

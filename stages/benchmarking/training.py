"""An epoch of training a row, beside the plain way to write it.

Plain: torch's own encoder on padded batches with their mask, torch's dropout, memory filled as
torch's deterministic mode has it by default, a batch made anew for every pass. Both on one thread,
as the train stage runs on a CPU, and both judged as the protocol has it. Floor: what the matrix
products of either would take if every one of them went as fast as torch's own of a large square.

Shapes: B videos, T frames, D width of the features.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from rich.table import Table
from torch import Tensor, nn

from stages import params, section
from stages.benchmarking import evaluation
from stages.benchmarking.embedding import product_rate
from stages.benchmarking.timing import interleaved
from stages.errors import UserError
from stages.metrics.panel import Panel
from stages.planning import scorer as arithmetic
from stages.scorers import registry
from stages.scorers.head import STATES
from stages.scorers.settings import GlobalAttentionEntry, Model
from stages.sources import tvsum
from stages.training.batches import Video, padded
from stages.training.fitting import fit, one_thread, predict
from stages.training.held_out import Watch
from stages.training.lesson import lesson
from stages.training.settings import Train

TOLERANCE = 2e-3
"""Of scores in 0..1, after one epoch without dropout. Gradients are the same to rounding, which
grows from step to step: in five epochs the plain loop on two threads is as far from itself on one
as the stage is from it.
"""

CPU = torch.device("cpu")

_SQUARE = 1024
"""Rows, columns and depth of the product whose rate the floor is at."""


@dataclass(frozen=True)
class Task:
    """What both ways are to do: a fold, the scorer, how it learns, and what it is judged by."""

    train: Sequence[Video]
    test: Sequence[Video]
    entry: GlobalAttentionEntry
    settings: Train
    watch: Watch | None = None


def task(recipe: str, model: str, width: int, videos: int) -> Task:
    """A fold of SYNTHETIC videos of TVSum's shape, a fifth of them tested.

    Raises UserError where the recipe or model is unknown, or has no global attention.
    """
    settings = params.recipe(recipe).train
    if settings is None:
        raise UserError(f"datasets.{recipe} trains nothing; name another recipe")
    entry = section.lookup(Model, "models", model)
    scorer, settings = lesson(entry, settings, recipe, model)
    if not isinstance(scorer, GlobalAttentionEntry):
        raise UserError(f"models.{model} is of kind {scorer.kind}; name a global-attention")
    judged = evaluation.synthetic(videos=videos)
    panels = evaluation.panels_of(
        judged, [evaluation.even_shots(video.n_frames) for video in judged]
    )
    made = [_video(panel, width, number) for number, panel in enumerate(panels)]
    tested = videos // 5
    agreement = {panel.name: panel.agreement for panel in panels[:tested]}
    watch = Watch(made[:tested], agreement, halfway=True)
    return Task(made[tested:], made[:tested], scorer, settings, watch)


def _video(panel: Panel, width: int, number: int) -> Video:
    random = np.random.default_rng([7, number])
    x_TD = random.standard_normal((len(panel.picks), width), dtype=np.float32)
    assert panel.user_scores is not None
    mean_T = panel.user_scores[:, panel.picks].mean(axis=0)
    gtscore_T = ((mean_T - tvsum.LOWEST) / (tvsum.HIGHEST - tvsum.LOWEST)).astype(np.float32)
    return Video(panel.name, {STATES: torch.from_numpy(x_TD)}, torch.from_numpy(gtscore_T))


def plain(of: Task, seed: int = 0) -> list[Tensor]:
    """Scores (T,) of the videos tested by the last epoch's weights, learnt the plain way."""
    with one_thread(CPU), torch.random.fork_rng():
        before = torch.are_deterministic_algorithms_enabled()
        torch.use_deterministic_algorithms(True)
        torch.manual_seed(seed)
        try:
            return _plainly(of, seed)
        finally:
            torch.use_deterministic_algorithms(before)


def _plainly(of: Task, seed: int) -> list[Tensor]:
    model: Any = registry.build(of.entry, of.train[0].widths)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=of.settings.lr, weight_decay=of.settings.weight_decay, fused=True
    )
    order = torch.Generator().manual_seed(seed)
    for _ in range(of.settings.epochs):
        shuffled = torch.randperm(len(of.train), generator=order).tolist()
        for number, index in enumerate(shuffled, 1):
            model.train()
            optimizer.zero_grad()
            scores_BT, gtscore_BT, valid_BT = plainly_scored(model, [of.train[index]])
            loss = torch.nn.functional.mse_loss(scores_BT[valid_BT], gtscore_BT[valid_BT])
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            loss.item()
            half = of.watch is not None and number == len(shuffled) // 2
            if half or number == len(shuffled):
                model.eval()
                with torch.inference_mode():
                    tested_BT, gtscore_BT, valid_BT = plainly_scored(model, of.test)
                    torch.nn.functional.mse_loss(tested_BT[valid_BT], gtscore_BT[valid_BT]).item()
                for video, scores_T in zip(of.test, tested_BT, strict=True):
                    if of.watch is not None:
                        of.watch.agreement[video.name](scores_T[: len(video.gtscore_T)].numpy())
    return [
        scores_T[: len(video.gtscore_T)] for video, scores_T in zip(of.test, tested_BT, strict=True)
    ]


def plainly_scored(model: Any, videos: Sequence[Video]) -> tuple[Tensor, Tensor, Tensor]:
    """Scores, people's, and which of them are frames, (B, T) each."""
    batch = padded(videos)
    h_BTM = model.d_linear1_norm(model.d_linear1(batch.inputs[STATES]))
    h_BTM = model.transformer_encoder_agg(h_BTM, src_key_padding_mask=~batch.valid_BT)
    return model.mlp_head(h_BTM).squeeze(-1), batch.gtscore_BT, batch.valid_BT


def operations(of: Task) -> float:
    """Of an epoch's matrix products: forth and back for every video learnt, forth for every one
    tested, each time that they are judged.
    """
    width = of.train[0].widths[STATES]
    size = arithmetic.size(of.entry, dict.fromkeys(of.entry.inputs, width))

    def forth(videos: Sequence[Video]) -> float:
        frames = [len(video.gtscore_T) for video in videos]
        return size.operations(sum(frames), sum(each**2 for each in frames))

    # Back is twice forth, but that nobody asks for the gradient of what the videos are.
    unasked = 2 * sum(len(video.gtscore_T) for video in of.train) * width * of.entry.width
    return 3 * forth(of.train) - unasked + (1 if of.watch is None else 2) * forth(of.test)


def ours(of: Task, seed: int = 0) -> list[Tensor]:
    """The same by the train stage's loop."""
    with one_thread(CPU):
        learnt = fit(of.train, of.test, of.entry, of.settings, seed=seed, where=CPU, watch=of.watch)
        return [torch.from_numpy(predict(learnt.model, video)) for video in of.test]


def measure(recipe: str, model: str, width: int, videos: int, epochs: int, rounds: int) -> Table:
    """Seconds of an epoch under both protocols.

    Args:
        recipe, model: of params.yaml: whose scorer and settings are used.
        width: D.
        videos: in all.
        epochs: of a measurement.
        rounds: of which the best count.

    Raises:
        UserError: as `task`, or the two ways' scores differ by more than `TOLERANCE`.
    """
    of = task(recipe, model, width, videos)
    gap = difference(of)
    if not gap < TOLERANCE:
        raise UserError(f"the stage's scores are {gap:.2g} away from the plain loop's")
    frames = sum(len(video.gtscore_T) for video in of.train)
    title = f"{recipe}, {model}: SYNTHETIC videos of TVSum's shape, {len(of.train)} of {frames:,} "
    title += (
        f"frames learnt, {len(of.test)} tested; an epoch without dropout: scores {gap:.0e} apart"
    )
    table = Table("protocol", "plain, s an epoch", "ours", "times faster", "floor", title=title)
    with one_thread(CPU):
        rate = max(product_rate(nn.Linear(_SQUARE, _SQUARE), _SQUARE) for _ in range(rounds))
    for protocol, watch in (("strict", None), ("official", of.watch)):
        asked = replace(of, watch=watch)
        seconds = _an_epoch(asked, epochs, rounds)
        times = seconds["plain"] / seconds["ours"]
        table.add_row(
            protocol, f"{seconds['plain']:.3f}", f"{seconds['ours']:.3f}", f"{times:.2f}",
            f"{operations(asked) / rate:.3f}",
        )  # fmt: skip
    return table


def difference(of: Task) -> float:
    """The largest between the two ways' scores after an epoch without dropout or choice."""
    entry = of.entry.model_copy(update={"dropout": 0.0})
    asked = Task(of.train, of.test, entry, _for(of.settings, 1))
    pairs = zip(plain(asked), ours(asked), strict=True)
    return max(float((one - other).abs().max()) for one, other in pairs)


def _for(settings: Train, epochs: int) -> Train:
    """Settings that the plain loop knows: a video a step, at a constant rate, inputs as given."""
    return settings.model_copy(
        update={
            "epochs": epochs, "batch": 1, "accumulate": 1, "schedule": None, "clip": None,
            "standardise": False,
        }
    )  # fmt: skip


def _an_epoch(of: Task, epochs: int, rounds: int) -> dict[str, float]:
    """Seconds of one by each way, start and end of a training apart: of the quickest trainings of
    one epoch and of more.
    """
    ways, lengths = (plain, ours), (1, 1 + epochs)
    trainings = {
        f"{way.__name__} {count}": partial(way, replace(of, settings=_for(of.settings, count)))
        for way in ways
        for count in lengths
    }
    taken, _ = interleaved(trainings, rounds, patience=math.inf)
    return {
        way.__name__: (taken[f"{way.__name__} {1 + epochs}"] - taken[f"{way.__name__} 1"]) / epochs
        for way in ways
    }

"""How much the official protocol's choice of weights adds where there is nothing to learn.

Features are random and unrelated to what people said, so an honest figure is about 0. The official
protocol keeps, of every half epoch, the weights that do best on the test videos themselves. It
also tests other videos than the strict one; "official, last epoch", on the same splits, tells the
two apart. Forty epochs of three seeds take some ten minutes on two cores.

Shapes: T sampled frames, D feature width.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from rich.table import Table

from stages.benchmarking.evaluation import even_shots
from stages.metrics.panel import Panel
from stages.people import tvsum_panels
from stages.sources import shots, tvsum
from stages.splits.folds import Protocol, Split, splits
from stages.training.batches import Video
from stages.training.crossvalidation import cross_validate
from stages.training.records import Run
from stages.training.settings import Train

WIDTH = 64
PROTOCOLS: tuple[Protocol, ...] = ("official", "strict")

_TRAIN = {
    "protocols": PROTOCOLS, "splits": "tvsum", "folds": 5, "validation": 0,
    "width": WIDTH, "layers": 1, "heads": 2, "feedforward": 2 * WIDTH, "dropout": 0,
    "lr": 3e-4, "weight_decay": 0.01, "schedule": None, "clip": None,
    "batch": 1, "accumulate": 4, "standardise": False,
}  # fmt: skip


class Agreed(NamedTuple):
    """Means over users, videos, then splits and seeds; rho is None where only τ was recorded."""

    tau: float
    rho: float | None


def random_videos(panels: Sequence[Panel], seed: int = 0) -> dict[str, Video]:
    """Standard normal features (T, 64) beside people's mean scores, brought from 1..5 to 0..1."""
    videos = {}
    for number, panel in enumerate(panels):
        random = np.random.default_rng([seed, number])
        x_TD = random.standard_normal((len(panel.picks), WIDTH), dtype=np.float32)
        assert panel.user_scores is not None
        mean_T = panel.user_scores[:, panel.picks].mean(axis=0)
        gtscore_T = (mean_T - tvsum.LOWEST) / (tvsum.HIGHEST - tvsum.LOWEST)
        tensors = torch.from_numpy(x_TD), torch.from_numpy(gtscore_T.astype(np.float32))
        videos[panel.name] = Video(panel.name, *tensors)
    return videos


def compare(
    panels: Sequence[Panel],
    planned: dict[Protocol, list[Split]],
    epochs: int,
    seeds: int,
    on_run: Callable[[], None] = lambda: None,
) -> dict[str, Agreed]:
    """What a small model of random features earns, by protocol.

    Beside them "official, last epoch": the same runs, splits and videos without the choice.
    """
    settings = Train.model_validate(_TRAIN | {"epochs": epochs, "seeds": tuple(range(seeds))})
    judges = {panel.name: panel.agreement for panel in panels}
    videos, cpu = random_videos(panels), torch.device("cpu")
    marks: dict[str, list[tuple[float, float]]] = {protocol: [] for protocol in planned}
    last: list[float] = []
    for run, _ in cross_validate(lambda *_: videos, planned, judges, settings, True, cpu, on_run):
        each = [judges[name](scores_T) for name, scores_T in run.scores.items()]
        marks[run.protocol].append(tuple(np.mean(each, axis=0).tolist()))
        last += _last_tau(run)
    found = {name: Agreed(*np.mean(each, axis=0).tolist()) for name, each in marks.items()}
    if last:
        found["official, last epoch"] = Agreed(float(np.mean(last)), None)
    return found


def _last_tau(run: Run) -> list[float]:
    tau = run.curve[-1].tau
    return [] if tau is None else [tau]


def measure(
    mat: Path,
    shots_path: Path | None,
    epochs: int,
    seeds: int,
    on_run: Callable[[int], Callable[[], None]],
) -> Table:
    """The table on TVSum's annotations and the field's splits.

    Args:
        mat: `ydata-tvsum50.mat`.
        shots_path: `shot_TVSum.mat`; neither τ nor ρ depends on it.
        epochs, seeds: of the training.
        on_run: given the number of runs, what is told of each finished one.

    Raises:
        UserError: a file is not what it should be.
    """
    judged = tvsum.read_mat(mat)
    frames = [video.n_frames for video in judged]
    cuts = shots.read(shots_path, frames) if shots_path else [even_shots(n) for n in frames]
    panels = tvsum_panels(judged, cuts)
    names = [panel.name for panel in panels]
    planned = {protocol: splits(protocol, "tvsum", names, 5) for protocol in PROTOCOLS}
    total = seeds * sum(map(len, planned.values()))
    found = compare(panels, planned, epochs, seeds, on_run(total))
    title = f"random features on TVSum, {epochs} epochs, {seeds} seeds"
    table = Table("protocol", "tau", "rho", title=title)
    for name, agreed in found.items():
        table.add_row(name, *("-" if mark is None else f"{mark:+.4f}" for mark in agreed))
    official, strict = found["official"], found["strict"]
    assert official.rho is not None
    assert strict.rho is not None
    gaps = official.tau - strict.tau, official.rho - strict.rho
    table.add_section()
    table.add_row("official - strict", *(f"{gap:+.4f}" for gap in gaps))
    return table

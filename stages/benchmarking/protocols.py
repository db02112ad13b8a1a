"""How much the official protocol's choice of weights adds where there is nothing to learn.

Features are random and unrelated to what people said, so an honest figure is about 0. The official
protocol keeps, of every half epoch, the weights that do best on the test videos themselves. It
also tests other videos than the strict one and learns from others; two rows between the protocols
tell these steps apart, those of `metrics.choosing`. Forty epochs of three seeds take some ten
minutes on two cores.

Shapes: T sampled frames, D feature width.
"""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from rich.table import Table

from stages.benchmarking import evaluation
from stages.metrics.panel import Panel
from stages.scorers.head import STATES
from stages.scorers.settings import GlobalAttentionEntry
from stages.sources import tvsum
from stages.splits.folds import Split, splits
from stages.splits.settings import Protocol
from stages.training.batches import Video
from stages.training.crossvalidation import Finished, cross_validate
from stages.training.settings import Train
from stages.training.trainer import EpochJudge, Trainer
from stages.work.store import Store

WIDTH = 64
FOLDS = 5
PROTOCOLS: tuple[Protocol, ...] = ("official", "strict")

_ENTRY = GlobalAttentionEntry(
    title="random features",
    kind="global-attention",
    inputs=("query",),
    width=WIDTH,
    layers=1,
    heads=2,
    feedforward=2 * WIDTH,
    dropout=0,
)
_TRAIN = {
    "validation": 0, "lr": 3e-4, "weight_decay": 0.01, "schedule": None, "clip": None,
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
        people_T = torch.from_numpy(gtscore_T.astype(np.float32))
        videos[panel.name] = Video(panel.name, {STATES: torch.from_numpy(x_TD)}, people_T)
    return videos


@dataclass(frozen=True, eq=False)
class _Same:
    """The same videos for every split; goes to other processes as it is."""

    videos: Mapping[str, Video]

    def __call__(self, protocol: Protocol, number: int) -> Mapping[str, Video]:
        return self.videos


def compare(
    panels: Sequence[Panel],
    planned: dict[Protocol, list[Split]],
    epochs: int,
    seeds: int,
    processes: int | None = None,
) -> dict[str, Agreed]:
    """What a small model of random features earns, by protocol.

    Between them "strict, official's videos", each video's marks under strict as official weighs
    them, and "official, last epoch", the same runs, splits and videos without the choice.

    Args:
        panels: of every video that the splits name.
        planned: splits by protocol.
        epochs, seeds: of the training.
        processes: how many runs at a time; by default one a core.
    """
    judges = {panel.name: panel for panel in panels}
    trainer = Trainer(
        videos=_Same(random_videos(panels)),
        judged={name: EpochJudge.by(judges, name) for name in judges},
        entry=_ENTRY,
        settings=Train.model_validate(_TRAIN | {"epochs": epochs, "seeds": tuple(range(seeds))}),
        where=torch.device("cpu"),
    )
    marks: dict[str, list[tuple[float, float]]] = {protocol: [] for protocol in planned}
    by_video: dict[str, list[tuple[float, float]]] = {}
    last: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        for finished in cross_validate(trainer, planned, Store(Path(folder)), processes):
            scores = finished.run.scores.items()
            each = [judges[name].agreement(scores_T) for name, scores_T in scores]
            marks[finished.run.protocol].append(tuple(np.mean(each, axis=0).tolist()))
            if finished.run.protocol == "strict":
                for name, mark in zip(finished.run.scores, each, strict=True):
                    by_video.setdefault(name, []).append(mark)
            last += _last_tau(finished)
    found = {name: Agreed(*np.mean(each, axis=0).tolist()) for name, each in marks.items()}
    if by_video and last:
        means = {name: np.mean(each, axis=0) for name, each in by_video.items()}
        same = [np.mean([means[name] for name in of.test], axis=0) for of in planned["official"]]
        found["strict, official's videos"] = Agreed(*np.mean(same, axis=0).tolist())
        found["official, last epoch"] = Agreed(float(np.mean(last)), None)
    return found


def _last_tau(finished: Finished) -> list[float]:
    tau = finished.curve[-1].tau
    return [] if tau is None else [tau]


def measure(mat: Path, shots_path: Path | None, epochs: int, seeds: int) -> Table:
    """The table on TVSum's annotations and the field's splits.

    Args:
        mat: `ydata-tvsum50.mat`.
        shots_path: `shot_TVSum.mat`; neither τ nor ρ depends on it.
        epochs, seeds: of the training.

    Raises:
        UserError: a file is not what it should be.
    """
    panels = evaluation.read(mat, shots_path)
    names = [panel.name for panel in panels]
    planned = {protocol: splits(protocol, "tvsum", names, FOLDS) for protocol in PROTOCOLS}
    found = compare(panels, planned, epochs, seeds)
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

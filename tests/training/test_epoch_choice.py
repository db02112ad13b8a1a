"""What the epoch's choice is told to have gained is what training makes of it, file for file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from lessons import ATTENTION, CPU, SETTINGS, videos

from stages.artifacts import curves, predictions
from stages.metrics.choosing import gains, steps
from stages.metrics.leaderboard import scored
from stages.metrics.panel import Panel, Rules
from stages.splits.folds import Split, strict
from stages.splits.settings import Protocol
from stages.training.batches import Video
from stages.training.crossvalidation import cross_validate
from stages.training.trainer import EpochJudge, Trainer
from stages.work.store import Store

VIDEOS = {video.name: video for video in videos(6)}
FOLDS = strict(list(VIDEOS), 3)
PLANNED: dict[Protocol, list[Split]] = {"strict": FOLDS, "official": FOLDS}


@dataclass
class Known:
    """The same videos for every split."""

    videos: Mapping[str, Video] = field(default_factory=lambda: VIDEOS)

    def __call__(self, protocol: Protocol, number: int) -> Mapping[str, Video]:
        return self.videos


def panel(video: Video) -> Panel:
    """Three people, whose scores are unlike what is learnt, so that epochs go up and down."""
    frames = len(video.gtscore_T)
    scores_UT = np.random.default_rng(frames).integers(1, 6, (3, frames))
    return Panel(
        name=video.name,
        rules=Rules("scores", "mean", 0.15),
        n_frames=15 * frames,
        picks=np.arange(0, 15 * frames, 15),
        change_points=np.array([[0, 15 * frames - 1]]),
        user_summary=np.ones((3, 15 * frames), np.float32),
        user_scores=np.repeat(scores_UT, 15, axis=1).astype(np.float32),
    )


def test_on_the_same_folds_the_protocols_differ_by_the_epoch_alone(tmp_path: Path) -> None:
    """τ on the curves, of padded batches at both epochs, is that of predictions of either."""
    panels = {name: panel(video) for name, video in VIDEOS.items()}
    trainer = Trainer(
        videos=Known(),
        judged={name: EpochJudge.by(panels, name) for name in panels},
        entry=ATTENTION,
        settings=SETTINGS.model_copy(update={"seeds": (0, 1), "epochs": 8, "lr": 1e-2, "batch": 1}),
        where=CPU,
    )
    runs, points = [], []
    for finished in cross_validate(trainer, PLANNED, Store(tmp_path / "store"), processes=1):
        runs.append(finished.run)
        points += finished.curve
    predictions.write(tmp_path / "p.h5", runs)
    curves.write(tmp_path / "c.csv", points)

    lengths = {name: len(of.picks) for name, of in panels.items()}
    found = predictions.read(tmp_path / "p.h5", lengths, ["strict", "official"])
    rows = {
        name: scored(name, "model", lambda panel, of=of: of.of_video(panel.name)).over(
            panels.values()
        )
        for name, of in found.items()
    }
    splits = found["official"].splits
    chosen = gains(curves.read(tmp_path / "c.csv"), found["official"].epochs)
    told = steps(rows["strict"], rows["official"], splits, splits, chosen)
    assert told.epoch is not None
    assert told.training is not None
    assert told.videos.mean == 0
    assert told.epoch.mean > 0.05
    assert told.training.mean == pytest.approx(0, abs=1e-5)
    assert told.epoch.mean == pytest.approx(told.difference.mean, abs=1e-5)
    assert told.epoch.low >= 0

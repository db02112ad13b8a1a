"""What people earn against each other, from a dataset's annotation files alone.

Shapes: T sampled frames, N video frames, S shots, U users.

The two rows that need no video and no model: every pair of users (human), and the mean over users
as if it were a prediction (oracle), which is the measure's ceiling.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from rich.table import Table

from stages.artifacts.field import EVERY
from stages.errors import UserError
from stages.metrics import agreement, f1
from stages.metrics.panel import Marks, Panel, Rules
from stages.metrics.rank import Rankings
from stages.sources import shots, summe, tvsum
from stages.summaries.keyshots import summarise

Kind = Literal["summe", "tvsum"]
RULES: dict[Kind, Rules] = {
    "summe": Rules("summary", "max", 0.15),
    "tvsum": Rules("scores", "mean", 0.15),
}
"""How the field evaluates each."""

Shots = Sequence[npt.NDArray[np.int64]]


class Line(NamedTuple):
    """A row's mean over videos: τ-b and ρ in -1..1, F1 in 0..1; None where shots are missing."""

    title: str
    tau: float | None
    rho: float | None
    f1: float | None


HUMAN, ORACLE = "Human (pairs of users)", "Oracle (people's mean)"


def tvsum_panels(judged: Sequence[tvsum.Judged], shots_of: Shots) -> list[Panel]:
    """A panel a video; every user's summary is built from that user's scores and the shots."""
    rules, panels = RULES["tvsum"], []
    for number, (video, shots_S2) in enumerate(zip(judged, shots_of, strict=True), 1):
        scores_UN = video.user_scores_UN
        summaries = [summarise(scores_N, shots_S2, rules.budget) for scores_N in scores_UN]
        panels.append(
            Panel(
                f"video_{number}",
                rules,
                video.n_frames,
                np.arange(0, video.n_frames, EVERY),
                shots_S2,
                np.array(summaries, dtype=np.float32),
                scores_UN,
            )
        )
    return panels


def summe_panels(chosen: Sequence[summe.Chosen], shots_of: Shots) -> list[Panel]:
    """A panel a video."""
    return [
        Panel(
            f"video_{number}",
            RULES["summe"],
            video.n_frames,
            np.arange(0, video.n_frames, EVERY),
            shots_S2,
            video.user_summary_UN,
        )
        for number, (video, shots_S2) in enumerate(zip(chosen, shots_of, strict=True), 1)
    ]


def _mean(title: str, marks: Sequence[Marks]) -> Line:
    tau, rho, f1_ = np.mean(marks, axis=0).tolist()
    return Line(title, tau, rho, f1_)


def _both(panels: Sequence[Panel]) -> list[Line]:
    return [
        _mean(HUMAN, [panel.human() for panel in panels]),
        _mean(ORACLE, [panel.oracle() for panel in panels]),
    ]


def of_tvsum(judged: Sequence[tvsum.Judged], shots_of: Shots | None = None) -> list[Line]:
    """Human and oracle on users' scores at every 15th frame; F1 where there are shots."""
    if shots_of is not None:
        return _both(tvsum_panels(judged, shots_of))
    sampled = [Rankings.of(video.user_scores_UN[:, ::EVERY]) for video in judged]
    means = [Rankings.of(video.user_scores_UN[:, ::EVERY].mean(0, np.float64)) for video in judged]
    pairs = zip(means, sampled, strict=True)
    agreed = {
        HUMAN: [agreement.pairwise_agreement(users) for users in sampled],
        ORACLE: [agreement.with_each(mean, users) for mean, users in pairs],
    }
    lines = []
    for title, each in agreed.items():
        tau, rho = np.mean(each, axis=0).tolist()
        lines.append(Line(title, tau, rho, None))
    return lines


def of_summe(chosen: Sequence[summe.Chosen], shots_of: Shots | None = None) -> list[Line]:
    """Human on users' binary labels of every frame; the oracle's summary takes shots."""
    if shots_of is not None:
        return _both(summe_panels(chosen, shots_of))
    over = RULES["summe"].f1
    marks = [
        Marks(
            *agreement.pairwise_agreement(video.user_summary_UN),
            f1.human_f1(video.user_summary_UN, over),
        )
        for video in chosen
    ]
    return [_mean(HUMAN, marks), Line(ORACLE, None, None, None)]


def measure(kind: Kind, source: Path, shots_path: Path | None = None) -> Table:
    """The table of both rows.

    Args:
        kind: which dataset.
        source: `ydata-tvsum50.mat`, or the folder of SumMe's GT/*.mat.
        shots_path: `shot_TVSum.mat`, or an h5 of the field's schema.

    Raises:
        UserError: a file is missing or is not what it should be.
    """
    if not source.exists():
        raise UserError(f"{source}: no such file or folder")
    if kind == "tvsum":
        judged = tvsum.read_mat(source)
        frames = [video.n_frames for video in judged]
        lines = of_tvsum(judged, shots.read(shots_path, frames) if shots_path else None)
    else:
        chosen = summe.read_folder(source)
        frames = [video.n_frames for video in chosen]
        lines = of_summe(chosen, shots.read(shots_path, frames) if shots_path else None)
    return table(kind, len(frames), lines, shots_path is not None)


def table(kind: str, videos: int, lines: Sequence[Line], segmented: bool) -> Table:
    """The lines, with what is missing without shots said below."""
    caption = None if segmented else "-: takes shots (--shots)"
    shown = Table("row", "tau", "rho", "F1", title=f"{kind}, {videos} videos", caption=caption)
    for title, *marks in lines:
        shown.add_row(title, *("-" if mark is None else f"{mark:.4f}" for mark in marks))
    return shown

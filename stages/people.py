"""What people earn against each other, from a dataset's annotation files alone.

The two rows that need no video and no model: every pair of users (human), and the mean over users
as if it were a prediction (oracle), which is the measure's ceiling.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from rich.table import Table

from stages.artifacts.people import Judgement, People
from stages.artifacts.timeline import Timeline
from stages.artifacts.video import Video
from stages.errors import UserError
from stages.metrics import agreement, f1
from stages.metrics.panel import BUDGET, Marks, Rules
from stages.metrics.panels import Panels
from stages.metrics.rank import Rankings
from stages.sources import shots, summe
from stages.sources.published import judged_of_tvsum, of_summe, of_tvsum

Kind = Literal["summe", "tvsum"]
RULES: dict[Kind, Rules] = {
    "summe": Rules("summary", "max", BUDGET),
    "tvsum": Rules("scores", "mean", BUDGET),
}
"""How the field evaluates each."""


class Line(NamedTuple):
    """A row's mean over videos: τ-b and ρ in -1..1, F1 in 0..1; None where shots are missing."""

    title: str
    tau: float | None
    rho: float | None
    f1: float | None


HUMAN, ORACLE = "Human (pairs of users)", "Oracle (people's mean)"


def _mean(title: str, marks: Sequence[Sequence[float]]) -> Line:
    tau, rho, *rest = np.mean(marks, axis=0).tolist()
    return Line(title, tau, rho, *(rest or [None]))


def lines(kind: Kind, timeline: Timeline, people: People) -> list[Line]:
    """Human and oracle by the field's rules; what takes shots is left out where there are none."""
    if all(video.shots_S2 is not None for video in timeline.videos):
        each = list(Panels(timeline, people, RULES[kind]).values())
        return [
            _mean(HUMAN, [panel.human() for panel in each]),
            _mean(ORACLE, [panel.oracle() for panel in each]),
        ]
    pairs = [(timeline.by_name[judged.name], judged) for judged in people.videos]
    return _of_scores(pairs) if kind == "tvsum" else _of_summaries(pairs)


def _of_scores(pairs: Sequence[tuple[Video, Judgement]]) -> list[Line]:
    """Both rows on users' scores at the sampled frames, which no shot touches."""
    human, oracle = [], []
    for video, judged in pairs:
        assert judged.user_scores_UN is not None  # TVSum's people gave scores
        sampled_UT = judged.user_scores_UN[:, video.picks_T]
        users = Rankings.of(sampled_UT)
        human.append(agreement.pairwise_agreement(users))
        oracle.append(agreement.with_each(Rankings.of(sampled_UT.mean(0, np.float64)), users))
    return [_mean(HUMAN, human), _mean(ORACLE, oracle)]


def _of_summaries(pairs: Sequence[tuple[Video, Judgement]]) -> list[Line]:
    """Human on users' binary labels of every frame; the oracle's summary would take shots."""
    marks = []
    for _, judged in pairs:
        assert judged.user_summary_UN is not None  # SumMe's people chose segments
        agreed = agreement.pairwise_agreement(judged.user_summary_UN)
        marks.append(Marks(*agreed, f1.human_f1(judged.user_summary_UN, RULES["summe"].f1)))
    return [_mean(HUMAN, marks), Line(ORACLE, None, None, None)]


def read(kind: Kind, source: Path, shots_path: Path | None = None) -> tuple[Timeline, People]:
    """A benchmark's videos and people from its annotation files.

    Args:
        kind: which benchmark.
        source: `ydata-tvsum50.mat`, its .tsv, or the folder of either; SumMe's folder GT.
        shots_path: `shot_TVSum.mat`, or an h5 of the field's schema; None for the shots that the
            field published, where the videos are its own.

    Raises:
        UserError: a file is missing or is not what it should be.
    """
    if not source.exists():
        raise UserError(f"{source}: no such file or folder")
    if kind == "tvsum":
        pairs = [of_tvsum(number, one) for number, one in enumerate(judged_of_tvsum(source), 1)]
    else:
        pairs = [of_summe(number, one) for number, one in enumerate(summe.read_folder(source), 1)]
    videos = [video for video, _ in pairs]
    if shots_path is None:
        videos = shots.with_field(kind, videos)
    else:
        found = shots.read(shots_path, [video.n_frames for video in videos])
        videos = [
            video.with_shots(shots_S2, "annotations")
            for video, shots_S2 in zip(videos, found, strict=True)
        ]
    people = People(kind, False, tuple(judged for _, judged in pairs))
    return Timeline(kind, tuple(videos)), people


def measure(kind: Kind, source: Path, shots_path: Path | None = None) -> Table:
    """The table of both rows; arguments and errors as `read`."""
    timeline, people = read(kind, source, shots_path)
    found = lines(kind, timeline, people)
    segmented = all(video.shots_S2 is not None for video in timeline.videos)
    caption = None if segmented else "-: takes shots (--shots)"
    title = f"{kind}, {len(timeline.videos)} videos"
    shown = Table("row", "tau", "rho", "F1", title=title, caption=caption)
    for name, *marks in found:
        shown.add_row(name, *("-" if mark is None else f"{mark:.4f}" for mark in marks))
    return shown

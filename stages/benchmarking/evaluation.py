"""One evaluation of TVSum's fifty videos beside the plain way to write it.

Plain: scipy's coefficients a user, the knapsack as a table of Python lists, F1 a user from
precision and recall, nothing kept from one evaluation to the next.

Shapes: T sampled frames, N video frames, U users, S shots.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from rich.table import Table
from scipy import stats

from stages.artifacts.people import People
from stages.artifacts.timeline import Timeline
from stages.benchmarking.timing import interleaved
from stages.errors import UserError
from stages.metrics.panel import BUDGET, Marks, Panel, Rules
from stages.metrics.panels import Panels
from stages.sources import published, shots, tvsum

VIDEOS = 50
SECOND = 30  # frames
SHOT = 150  # frames, where nobody says where shots end: TVSum's are as long on average

Floats = npt.NDArray[np.float64]


def synthetic(seed: int = 0, videos: int = VIDEOS) -> list[tvsum.Annotations]:
    """Annotations of TVSum's shape: 20 users, a score of 1 to 5 for every two seconds."""
    random = np.random.default_rng(seed)
    judged = []
    for number in range(videos):
        n_frames = int(random.integers(2500, 11600))  # 7050 on average, as TVSum's
        slots = math.ceil(n_frames / (2 * SECOND))
        interest = random.normal(size=slots).cumsum()
        interest = 3 + 1.2 * (interest - interest.mean()) / interest.std()
        scores = np.rint(interest + random.normal(0, 1.2, (tvsum.USERS, slots)))
        scores_UN = np.repeat(scores.clip(1, 5), 2 * SECOND, axis=1)[:, :n_frames]
        judged.append(tvsum.Annotations(f"v{number}", "", "", scores_UN.astype(np.float32)))
    return judged


def even_shots(n_frames: int, length: int = SHOT) -> npt.NDArray[np.int64]:
    """Shots (S, 2) of one length; the last is what is left."""
    starts = np.arange(0, n_frames, length)
    return np.column_stack([starts, np.append(starts[1:], n_frames) - 1])


def panels_of(
    judged: Sequence[tvsum.Annotations], cuts: Sequence[npt.NDArray[np.int64]]
) -> list[Panel]:
    """The panels of TVSum's videos in its order, each cut into the shots (S, 2) given for it.

    Raises UserError where shots do not cover their video.
    """
    pairs = [published.of_tvsum(number, one) for number, one in enumerate(judged, 1)]
    cut = [
        video.with_shots(shots_S2, "field")
        for (video, _), shots_S2 in zip(pairs, cuts, strict=True)
    ]
    people = People("tvsum", False, tuple(said for _, said in pairs))
    found = Panels(Timeline("tvsum", tuple(cut)), people, Rules("scores", "mean", BUDGET))
    return list(found.values())


def read(mat: Path, shots_path: Path | None) -> list[Panel]:
    """TVSum's panels; of even shots where no file says otherwise.

    Raises UserError where a file is not what it should be.
    """
    judged = tvsum.read_mat(mat)
    frames = [video.n_frames for video in judged]
    cuts = shots.read(shots_path, frames) if shots_path else [even_shots(n) for n in frames]
    return panels_of(judged, cuts)


def plain_knapsack(values: Sequence[float], weights: Sequence[int], capacity: int) -> list[int]:
    """The textbook's table, a cell at a time."""
    best = [[0.0] * (capacity + 1) for _ in range(len(values) + 1)]
    for item in range(1, len(values) + 1):
        weight, value = weights[item - 1], values[item - 1]
        for room in range(capacity + 1):
            best[item][room] = best[item - 1][room]
            if weight <= room:
                best[item][room] = max(best[item][room], best[item - 1][room - weight] + value)
    chosen, room = [], capacity
    for item in range(len(values), 0, -1):
        if best[item][room] != best[item - 1][room]:
            chosen.append(item - 1)
            room -= weights[item - 1]
    return chosen[::-1]


def plain_marks(panel: Panel, scores_T: Floats) -> Marks:
    """What `Panel.verdict` says, written plainly."""
    assert panel.user_scores is not None
    frame_scores_N = np.zeros(panel.n_frames)
    ends = [*panel.picks[1:].tolist(), panel.n_frames]
    for score, start, end in zip(scores_T, panel.picks.tolist(), ends, strict=True):
        frame_scores_N[start:end] = score
    rows = panel.change_points.tolist()
    values = [float(frame_scores_N[start : end + 1].mean()) for start, end in rows]
    lengths = [end - start + 1 for start, end in rows]
    capacity = math.floor(panel.rules.budget * panel.n_frames)
    summary_N = np.zeros(panel.n_frames)
    for shot in plain_knapsack(values, lengths, capacity):
        summary_N[rows[shot][0] : rows[shot][1] + 1] = 1
    taus, rhos, f1s = [], [], []
    for user_N, shown_N in zip(panel.user_scores, panel.user_summary, strict=True):
        sampled_T = user_N[panel.picks]
        constant = sampled_T.min() == sampled_T.max()
        taus.append(0.0 if constant else stats.kendalltau(scores_T, sampled_T).statistic)
        rhos.append(0.0 if constant else stats.spearmanr(scores_T, sampled_T).statistic)
        shared = float((summary_N * shown_N).sum())
        precision = shared / max(float(summary_N.sum()), 1)
        recall = shared / max(float(shown_N.sum()), 1)
        f1s.append(2 * precision * recall / (precision + recall) if shared else 0.0)
    return Marks(float(np.mean(taus)), float(np.mean(rhos)), float(np.mean(f1s)))


def _panels(mat: Path | None, shots_path: Path | None) -> tuple[str, list[Panel]]:
    if mat is not None:
        found = read(mat, shots_path)
    else:
        judged = synthetic()
        found = panels_of(judged, [even_shots(video.n_frames) for video in judged])
    title = f"{'TVSum' if mat else 'SYNTHETIC annotations of the shape of TVSum'}, "
    title += f"{len(found)} videos, {'published' if shots_path else 'even'} shots"
    return title, found


def measure(mat: Path | None, shots_path: Path | None, rounds: int) -> Table:
    """Seconds of one evaluation of random scores, best of the rounds.

    "first" ranks people's scores, "later" finds them ranked, as every further model, seed and
    split of a run does. Raises UserError where a file is not what it should be, or the two ways
    differ by more than 1e-9 in any mark of any video.
    """
    if shots_path is not None and mat is None:
        raise UserError("--shots are those of TVSum's videos; name its annotations as --mat, too")
    title, judges = _panels(mat, shots_path)
    random = np.random.default_rng(1)
    scores = [random.random(len(panel.picks)) for panel in judges]

    def first() -> list[Marks]:
        fresh = [replace(panel) for panel in judges]  # what was ranked is left behind
        return [panel.verdict(x).marks for panel, x in zip(fresh, scores, strict=True)]

    def later() -> list[Marks]:
        return [panel.verdict(x).marks for panel, x in zip(judges, scores, strict=True)]

    def plain() -> list[Marks]:
        return [plain_marks(panel, x) for panel, x in zip(judges, scores, strict=True)]

    later()
    ways = {"plain": plain, "ours, the first": first, "ours, later ones": later}
    seconds, found = interleaved(ways, rounds)
    for way, marks in found.items():
        gap = float(np.abs(np.array(marks) - np.array(found["plain"])).max())
        if not gap < 1e-9:
            raise UserError(f"{way}: a mark is {gap:.2g} away from the plain way's")
    table = Table("way", "seconds", "times faster", title=title)
    for way, each in seconds.items():
        table.add_row(way, f"{each:.4f}", f"{seconds['plain'] / each:.1f}")
    return table

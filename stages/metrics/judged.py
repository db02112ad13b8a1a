"""Scores that nobody here trained, judged by themselves: one file's scores of a dataset's videos.

Shapes: T sampled frames, V videos.

There is one set of scores, so the figure is the mean over all videos; under a protocol it is the
release's mean over the splits' test videos. Numbers are not rounded.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from stages.artifacts.names import natural
from stages.artifacts.predictions import Splits
from stages.artifacts.results import ByVideo, Results
from stages.errors import UserError
from stages.metrics import leaderboard
from stages.metrics.averages import Figure, video_weights
from stages.metrics.figures import DECIMALS
from stages.metrics.leaderboard import (
    MARKS,
    Floats,
    Scored,
    by_video,
    figures,
    highlight_figures,
    sampled_figures,
)
from stages.metrics.paired import paired
from stages.metrics.panel import Panel

Document = dict[str, Any]
_SAME = 2e-6
"""Between a mark and the same one as per_video.csv rounds it."""


@dataclass(frozen=True)
class Saved:
    """A row that evaluate saved, to be compared with: its marks by protocol and video."""

    name: str
    title: str
    trained: bool
    protocols: Mapping[str, Mapping[str, Floats]]  # (3,), as `panel.Marks`


@dataclass(frozen=True)
class Judged:
    """The rows that were judged, each over the same videos."""

    row: Scored
    floor: Scored
    ceiling: Scored


def judge(title: str, scores: Mapping[str, Floats], panels: Mapping[str, Panel]) -> Judged:
    """Scores (T,) of some or all of a dataset's videos, beside constant ones and people's mean."""
    as_appearances = {video: scores_T[None] for video, scores_T in scores.items()}
    rows = (
        leaderboard.untrained(title, as_appearances),
        leaderboard.constant(),
        leaderboard.oracle(),
    )
    for video in scores:
        panel = panels[video]
        for row in rows:
            row.add(panel)
    return Judged(*(row.row(list(scores)) for row in rows))


def saved(results: Results, videos: ByVideo, name: str, judged: Judged, origin: object) -> Saved:
    """A row of evaluate's files.

    Raises UserError where it is not among them, or people's own mean earned other marks there:
    they were then made with other annotations, shots or rules.
    """
    known = {row: of for each in results.protocols.values() for row, of in each.rows.items()}
    if name not in known:
        raise UserError(f"{origin}: has no row {name!r} (has {', '.join(known)})")
    found = {
        protocol: {row: _marks(of) for row, of in rows.items()} for protocol, rows in videos.items()
    }
    for protocol, rows in found.items():
        if "oracle" not in rows:
            raise UserError(
                f"{origin}: its table of videos has no oracle under {protocol}, so that it is not "
                "whole; run evaluate again"
            )
        for video in rows["oracle"].keys() & judged.ceiling.marks.keys():
            own_3 = judged.ceiling.marks[video][0, 0]
            if np.abs(own_3 - rows["oracle"][video]).max() > _SAME:
                raise UserError(
                    f"{origin}: under {protocol} people's mean earns other marks on {video} than "
                    "here, so it was evaluated with other annotations, shots or rules, and its "
                    "rows cannot be compared; run evaluate again, or name the same annotations"
                )
    row = known[name]
    marks = {protocol: of[name] for protocol, of in found.items() if name in of}
    return Saved(name, row.title, row.kind == "model", marks)


def _marks(videos: Mapping[str, Any]) -> dict[str, Floats]:
    return {video: np.array([of.marks[mark] for mark in MARKS]) for video, of in videos.items()}


def document(
    judged: Judged,
    protocols: Mapping[str, Splits],
    against: Saved | None,
    *,
    confidence: float,
    resamples: int,
) -> Document:
    """All that was measured, for JSON and for the table.

    Each of tau, rho and f1 stands at the top, over all videos, and again under each protocol.
    `intervals` holds [low, high] of each. `sampled` is without the knapsack, where there is one:
    tau, rho and biserial, with their intervals; `highlights`, map50 and map15, is there where the
    dataset's measure has them. `floor` is what constant scores earn, `less_floor`
    the paired difference from it; `against` that from a saved row, under each protocol that it has.

    protocols: the videos that each split tests, of those judged.
    """
    options = {"confidence": confidence, "resamples": resamples}
    whole = _whole(list(judged.row.marks), protocols)
    everywhere = _figures(judged.row, whole, options)
    under: Document = {}
    for protocol, splits in protocols.items():
        under[protocol] = dict(
            everywhere if splits == whole else _figures(judged.row, splits, options)
        )
        if against is not None and protocol in against.protocols:
            theirs = against.protocols[protocol]
            under[protocol]["against"] = {"row": against.name, "title": against.title} | _less(
                judged.row, theirs, splits, options
            )
    own = by_video(judged.row, whole)
    floor = {video: np.array(of) for video, of in by_video(judged.floor, whole).items()}
    return {
        **everywhere,
        "floor": _means(judged.floor, whole),
        "less_floor": _less(judged.row, floor, whole, options),
        "ceiling": _means(judged.ceiling, whole),
        "confidence": confidence,
        "protocols": under,
        "by_video": {video: own[video]._asdict() for video in judged.row.marks},
    }


def _whole(videos: Sequence[str], protocols: Mapping[str, Splits]) -> Splits:
    """All videos at equal weights: by a protocol's own splits where they come to that, so that its
    interval, which hangs on the order of videos, is the same.
    """
    for splits in protocols.values():
        weights = video_weights(splits)
        if weights.keys() == set(videos) and np.ptp([of.sum() for of in weights.values()]) < 1e-12:
            return splits
    return (tuple(videos),)


def _figures(row: Scored, splits: Splits, options: Mapping[str, Any]) -> Document:
    found, sampled = figures(row, splits, **options), sampled_figures(row, splits, **options)
    highlights = highlight_figures(row, splits, **options)
    return {
        **_with_intervals(found),
        "videos": len(video_weights(splits)),
        "sampled": _with_intervals(sampled) if sampled else None,
    } | ({"highlights": _with_intervals(highlights)} if highlights else {})


def _with_intervals(found: Mapping[str, Figure]) -> Document:
    return {
        **{mark: of.mean for mark, of in found.items()},
        "intervals": {mark: [of.low, of.high] for mark, of in found.items()},
    }


def _means(row: Scored, splits: Splits) -> Document:
    means_3 = np.mean(list(by_video(row, splits).values()), axis=0)
    return dict(zip(MARKS, means_3.tolist(), strict=True))


def _less(
    row: Scored, theirs: Mapping[str, Floats], splits: Splits, options: Mapping[str, Any]
) -> Document:
    """The row less another, paired by video, on marks as evaluate compares them."""
    weights_V = [weights_C.sum() for weights_C in video_weights(splits).values()]
    own = by_video(row, splits)
    if strangers := own.keys() - theirs.keys():
        raise UserError(
            f"the saved row was not tested on {', '.join(sorted(strangers, key=natural))}; the "
            "recipe's splits have changed since: run evaluate again"
        )
    own_V3 = np.round(list(own.values()), DECIMALS)
    their_V3 = np.round([theirs[video] for video in own], DECIMALS)
    return {
        mark: paired(own_V3[:, at], their_V3[:, at], weights_V, **options)._asdict()
        for at, mark in enumerate(MARKS)
    }

"""The rows of one protocol as numbers: means, intervals, folds, and each row against llmvs.

Shapes: V videos, K splits; the axis of 3 is (τ, ρ, F1), as in `panel.Marks`.

Numbers are rounded to six decimals, far below any interval, so that a last bit that differs
between two machines does not show up as a changed metric. p-values are counts over draws, which no
last bit moves: they stay whole, or rounding twice would print another than `llmvs table` does.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from stages.artifacts.predictions import Splits
from stages.artifacts.results import RowMarks, VideoMarks
from stages.metrics.averages import Figure, video_weights
from stages.metrics.leaderboard import (
    MARKS,
    Floats,
    Scored,
    by_split,
    by_video,
    figures,
    highlight_figures,
    highlights_by_split,
    sampled_by_split,
    sampled_figures,
)
from stages.metrics.paired import holm, paired

REFERENCE = "llmvs"
FLOOR = "constant"
"""The row of constant scores, which is there where the measure gives them anything."""

DECIMALS = 6
COLLAPSED = 0.01
"""Share of people's own deviation within a video below which a scorer has collapsed: it gives
every frame as good as the same score.
"""


def rows_document(
    rows: Mapping[str, Scored],
    splits: Splits,
    *,
    confidence: float,
    resamples: int,
    people: float = 0.0,
) -> dict[str, Any]:
    """The rows of results.json: {row: {title, kind, tau: {…}, rho: {…}, f1: {…}, against: {…}}}.

    A mark holds mean, low, high, spread (over seeds), folds (the mean over each split's videos, in
    the order of the splits) and fold_spread (their standard deviation). `against` is the paired
    difference from `reference`'s row, on the marks as per_video.csv holds them: {row: name, tau:
    {difference, low, high, p, holm}, …}, p corrected for the rows of this table; null for that
    row itself. `above_floor` is the same from the row of constant scores, corrected for the rows
    tested against that; null for it, and where there is none. A scorer's row has `deviation`, the
    mean standard deviation of its scores within a video, and whether it has `collapsed`, against
    the deviation of `people`'s mean scores. `sampled` holds tau, rho and biserial as the marks are
    held, without the knapsack; null where scores are compared. `highlights`, map50 and map15 held
    so, is there where they are measured.
    """

    def rounded(figure: Figure, means_K: Floats) -> dict[str, Any]:
        parts = {part: _rounded(of) for part, of in figure._asdict().items()}
        folds = [_rounded(mean) for mean in means_K.tolist()]
        spread = _rounded(float(means_K.std(ddof=1))) if len(folds) > 1 else None
        return {**parts, "folds": folds, "fold_spread": spread}

    options: dict[str, Any] = {"confidence": confidence, "resamples": resamples}
    differences = _against(reference(rows), rows, splits, **options)
    above_floor = _against(FLOOR, rows, splits, **options) if FLOOR in rows else {}
    document: dict[str, Any] = {}
    for name, row in rows.items():
        of_row, of_splits = figures(row, splits, **options), by_split(row, splits)
        at_picks = sampled_figures(row, splits, **options)
        at_picks_K = sampled_by_split(row, splits)
        sampled = {mark: rounded(of, at_picks_K[mark]) for mark, of in at_picks.items()}
        document[name] = (
            {"title": row.title, "kind": row.kind}
            | {mark: rounded(of_row[mark], of_splits[mark]) for mark in MARKS}
            | {"against": differences.get(name), "above_floor": above_floor.get(name)}
            | {"sampled": sampled or None}
        )
        found, found_K = highlight_figures(row, splits, **options), highlights_by_split(row, splits)
        if found:
            document[name]["highlights"] = {
                mark: rounded(of, found_K[mark]) for mark, of in found.items()
            }
        if row.deviation is not None:
            document[name] |= {
                "deviation": _rounded(row.deviation),
                "collapsed": collapsed(row, people),
            }
    return document


def collapsed(row: Scored, people: float) -> bool:
    """Whether a trained row's scores hardly differ within a video. people: the mean deviation of
    people's own scores, on the scale that is learnt.
    """
    return row.kind == "model" and row.deviation is not None and row.deviation < COLLAPSED * people


def video_marks(rows: Mapping[str, Scored], splits: Splits) -> dict[str, RowMarks]:
    """Every row's marks of every tested video, over its trials, and the video's share in a mean."""
    weights = {video: float(of.sum()) for video, of in video_weights(splits).items()}
    return {
        name: RowMarks(
            (
                video,
                VideoMarks(
                    {mark: round(value, DECIMALS) for mark, value in marks._asdict().items()},
                    weights[video],
                ),
            )
            for video, marks in by_video(row, splits).items()
        )
        for name, row in rows.items()
    }


def reference(rows: Iterable[str]) -> str:
    """The row that the others are tested against: llmvs, or the first where there is none."""
    names = list(rows)
    return REFERENCE if REFERENCE in names else names[0]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, DECIMALS)


def _against(
    chosen: str, rows: Mapping[str, Scored], splits: Splits, *, confidence: float, resamples: int
) -> dict[str, dict[str, Any]]:
    """Each row but the chosen one, less that."""
    weights_V = [weights_C.sum() for weights_C in video_weights(splits).values()]
    marks_V3 = {
        name: np.round(list(by_video(row, splits).values()), DECIMALS) for name, row in rows.items()
    }
    found: dict[str, dict[str, Any]] = {name: {"row": chosen} for name in rows if name != chosen}
    for index, mark in enumerate(MARKS):
        of_mark = {
            name: paired(
                marks_V3[name][:, index],
                marks_V3[chosen][:, index],
                weights_V,
                confidence=confidence,
                resamples=resamples,
            )
            for name in found
        }
        corrected = holm({name: of.p for name, of in of_mark.items()})
        for name, of in of_mark.items():
            found[name][mark] = {
                "difference": _rounded(of.difference),
                "low": _rounded(of.low),
                "high": _rounded(of.high),
                "p": of.p,
                "holm": corrected[name],
            }
    return found

"""How much of official is choosing: what stands between a row's τ under strict and under official.

Under official other videos test, with unequal weights; models learn from other videos; and the
epoch is kept that agrees best with people on the test videos themselves. These are the steps of one
chain, which sum to the difference:

    strict
    + videos      strict's τ of each video, averaged with official's weights, less strict's mean
    + training    official's models at their last epoch, on the same videos, less that
    + epoch       their τ at the epoch kept less that at the last one, the mean over runs
    = official

No other order can be measured: official's models never meet the videos that official leaves out,
and strict's curves hold no τ of the videos tested. Where strict keeps an epoch by videos set aside
(`train.validation`), that choice is part of `training`. A row that nobody trained moves by its
videos alone, or, where examples are drawn from each split's training videos, by those as well.

Where the epoch is kept by τ, `epoch` is never below 0: nothing on a curve is above the epoch kept.
Not all of it is optimism, for a model may be best before its last epoch on any video. `others` says
how much: what a run gains at the epoch whose τ is best on the mean curve of the other splits. It
leans to the high side, as the splits share videos. `by` sets the two ways of choosing side by side:
what a run gains in τ at the epoch of its best mean τ, and of its best mean ρ, which the release
tests. All three are read from the curves alone. A curve's τ is of a
padded batch and the row's of single videos; the difference is rounding, though a last bit may put
another shot into a summary, and falls to `training`.

Shapes: R trials (training seeds, or draws), K splits, E points of a learning curve, C appearances
of a video.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from stages.artifacts.choosing import Choosing, EpochStep, Step
from stages.artifacts.curves import Point
from stages.artifacts.predictions import Predictions, Splits
from stages.metrics.averages import trials
from stages.metrics.figures import DECIMALS
from stages.metrics.intervals import weighted_mean
from stages.metrics.leaderboard import MARKS, Floats, Scored

STRICT, OFFICIAL = "strict", "official"
TAU = MARKS.index("tau")


@dataclass(frozen=True, eq=False)
class Gains:
    """τ less that of the last epoch, of each run under official (R, K): at the epoch kept, at the
    one that is best on the mean curve of the other splits, and at that of the run's own best mean
    τ or ρ, the earliest of equals. NaN where curves do not hold what it takes.
    """

    kept_RK: Floats
    others_RK: Floats
    by: Mapping[Literal["tau", "rho"], Floats]


def of_rows(
    rows: Mapping[str, Mapping[str, Scored]],
    splits: Mapping[str, Splits],
    curves: Mapping[str, Iterable[Point]],
    trained: Mapping[str, Mapping[str, Predictions]],
) -> dict[str, Choosing] | None:
    """The steps of every row that both protocols have; None where there is one protocol.

    Args:
        rows: [protocol][row].
        splits: the videos that each split of a protocol tests.
        curves: of each trained row, every run's.
        trained: [row][protocol], for the epochs kept.
    """
    if not {STRICT, OFFICIAL} <= rows.keys():
        return None
    found = {}
    for name, strict in rows[STRICT].items():
        if name in rows[OFFICIAL]:
            of_row = trained.get(name, {}).get(OFFICIAL)
            chosen = None
            if of_row is not None and not _learnt_nothing(points := list(curves[name])):
                chosen = gains(points, of_row.epochs)
            found[name] = steps(
                strict, rows[OFFICIAL][name], splits[STRICT], splits[OFFICIAL], chosen
            )
    return found


def _learnt_nothing(points: Sequence[Point]) -> bool:
    """Whether a row's curves are those of a scorer that is as it was built."""
    return bool(points) and all(point.lr == 0 for point in points)


def gains(points: Iterable[Point], epochs: Mapping[str, Sequence[float | None]]) -> Gains:
    """What choosing gained every run. epochs: the one kept, [seed][split], as in `Predictions`."""
    curves: dict[tuple[str, int], dict[float, tuple[float, float]]] = {}
    for point in points:
        if point.protocol == OFFICIAL:
            tau, rho = (np.nan if mark is None else mark for mark in (point.tau, point.rho))
            curves.setdefault((f"seed_{point.seed}", point.split), {})[point.epoch] = tau, rho
    axis = sorted({epoch for curve in curves.values() for epoch in curve})
    lacking = np.nan, np.nan
    marks_RKE2 = np.array(
        [
            [
                [curves.get((seed, split), {}).get(epoch, lacking) for epoch in axis]
                for split in range(len(of_seed))
            ]
            for seed, of_seed in epochs.items()
        ]
    )
    marks_RKE2 = marks_RKE2.reshape(*marks_RKE2.shape[:2], len(axis), 2)
    tau_RKE, rho_RKE = marks_RKE2[..., 0], marks_RKE2[..., 1]
    by: dict[Literal["tau", "rho"], Floats] = {
        "tau": _gained_by(tau_RKE, tau_RKE),
        "rho": _gained_by(rho_RKE, tau_RKE),
    }
    kept_RK = np.full(tau_RKE.shape[:2], np.nan)
    others_RK = kept_RK.copy()
    for trial, of_seed in enumerate(epochs.values()):
        for split, epoch in enumerate(of_seed):
            if epoch in axis:
                gain_E = tau_RKE[trial, split] - tau_RKE[trial, split, -1]
                kept_RK[trial, split] = gain_E[axis.index(epoch)]
                if len(of_seed) == 1:
                    continue
                others_E = np.delete(tau_RKE, split, axis=1).mean(axis=(0, 1))
                if np.isfinite(others_E).all():
                    others_RK[trial, split] = gain_E[others_E.argmax()]
    return Gains(kept_RK, others_RK, by)


def _gained_by(mark_RKE: Floats, tau_RKE: Floats) -> Floats:
    """τ at the best epoch by a mark less that at the last, (R, K)."""
    gained_RK = np.full(mark_RKE.shape[:2], np.nan)
    for run in np.ndindex(gained_RK.shape):
        if mark_RKE[run].size and np.isfinite(mark_RKE[run]).all():
            gained_RK[run] = tau_RKE[run][mark_RKE[run].argmax()] - tau_RKE[run][-1]
    return gained_RK


def steps(
    strict: Scored,
    official: Scored,
    strict_splits: Splits,
    official_splits: Splits,
    chosen: Gains | None,
) -> Choosing:
    """One row's steps. chosen: None where nothing was trained.

    Every level of the chain is rounded as the row's own figures are, so that the steps sum to the
    difference of these to the last decimal.
    """
    strict_R = _by_trial(strict, strict_splits)
    same_videos_R = _by_trial(strict, official_splits)
    official_R = _by_trial(official, official_splits)
    difference, videos = _step(official_R, strict_R), _step(same_videos_R, strict_R)
    if chosen is None:
        return Choosing(
            difference=difference, videos=videos, training=_step(official_R, same_videos_R)
        )
    lacking = int(np.isnan(chosen.kept_RK).sum())
    if lacking:
        return Choosing(difference=difference, videos=videos, lacking=lacking)
    last_R = official_R - chosen.kept_RK.mean(axis=1)
    of_epoch = _step(official_R, last_R)
    known = bool(np.isfinite(chosen.others_RK).all())
    return Choosing(
        difference=difference,
        videos=videos,
        training=_step(last_R, same_videos_R),
        epoch=EpochStep(
            mean=of_epoch.mean,
            spread=of_epoch.spread,
            low=round(float(chosen.kept_RK.min()), DECIMALS),
            high=round(float(chosen.kept_RK.max()), DECIMALS),
            others=round(float(chosen.others_RK.mean()), DECIMALS) if known else None,
            by={
                mark: round(float(gain_RK.mean()), DECIMALS)
                for mark, gain_RK in chosen.by.items()
                if np.isfinite(gain_RK).all()
            },
        ),
    )


def _by_trial(row: Scored, splits: Splits) -> Floats:
    """A row's mean τ of each trial (R,) with the weights of some splits, whose videos it has."""
    marks_RV3, weights_V = trials(row.marks, splits)
    found_R: Floats = weighted_mean(marks_RV3[..., TAU], weights_V, axis=1)
    return found_R


def _step(upper_R: Floats, lower_R: Floats) -> Step:
    levels = (round(float(level_R.mean()), DECIMALS) for level_R in (upper_R, lower_R))
    upper, lower = levels
    paired = len(upper_R) == len(lower_R) > 1
    return Step(
        mean=round(upper - lower, DECIMALS),
        spread=round(float((upper_R - lower_R).std(ddof=1)), DECIMALS) if paired else None,
    )

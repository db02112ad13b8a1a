"""official less strict is told in steps that sum to it, each held to a plain reckoning of its own.

Shapes: R seeds, C appearances of a video.
"""

import numpy as np
import pytest

from stages.artifacts.choosing import Choosing
from stages.artifacts.curves import Point
from stages.artifacts.predictions import Predictions
from stages.metrics.choosing import gains, of_rows
from stages.metrics.leaderboard import Scored

STRICT = (("a", "b"), ("c", "d"), ("e",))
OFFICIAL = (("a", "b"), ("b", "c"), ("b", "d"))  # one video three times, one never
SEEDS, EPOCHS = 3, (0.5, 1.0, 1.5, 2.0)
Taus = dict[tuple[int, int], dict[float, float | None]]


def rounded(value: float) -> float:
    return round(value, 6)


def scored(taus: dict[str, np.ndarray]) -> Scored:
    """A row of τ (R, C) by video; its other marks are of another size."""
    marks = {video: np.stack([of, of + 5, of + 9], axis=-1) for video, of in taus.items()}
    return Scored("row", "model", marks)


def curves(taus: Taus, rhos: Taus | None = None) -> list[Point]:
    rhos = {} if rhos is None else rhos
    watched = [
        Point(
            "official",
            seed,
            split,
            epoch,
            0.1,
            1.0,
            1.0,
            tau,
            rhos.get((seed, split), {}).get(epoch),
        )
        for (seed, split), curve in taus.items()
        for epoch, tau in curve.items()
    ]
    return [Point("strict", 0, 0, 1.0, 0.1, 1.0, 1.0), *watched]


def drawn(seed: int = 0) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray], Taus]:
    """τ by video (R, C) under strict, under official, and of every point of official's curves; the
    official ones are those of each run's best epoch.
    """
    random = np.random.default_rng(seed)
    strict = {video: random.normal(size=(SEEDS, 1)) for split in STRICT for video in split}
    times = {"a": 1, "b": 3, "c": 1, "d": 1}
    official = {video: random.normal(size=(SEEDS, count)) for video, count in times.items()}
    taus: Taus = {}
    for seed in range(SEEDS):
        for number, split in enumerate(OFFICIAL):
            appearance = {"b": number}
            best = np.mean([official[video][seed, appearance.get(video, 0)] for video in split])
            below = best - random.random(len(EPOCHS))
            below[random.integers(len(EPOCHS))] = best
            taus[seed, number] = dict(zip(EPOCHS, below.tolist(), strict=True))
    return strict, official, taus


def kept(taus: Taus) -> dict[str, list[float | None]]:
    """Each run's best epoch, as predictions hold them."""
    best = {run: max(curve, key=lambda at: curve[at] or -9) for run, curve in taus.items()}
    return {f"seed_{s}": [best[s, k] for k in range(len(OFFICIAL))] for s in range(SEEDS)}


def told(
    strict: dict[str, np.ndarray],
    official: dict[str, np.ndarray],
    taus: Taus | None,
    rhos: Taus | None = None,
) -> Choosing:
    trained = {}
    if taus is not None:
        known = {run: {at: tau or 0.0 for at, tau in curve.items()} for run, curve in taus.items()}
        trained["row"] = {"official": Predictions("official", OFFICIAL, {}, kept(known))}
    found = of_rows(
        {"strict": {"row": scored(strict)}, "official": {"row": scored(official)}},
        {"strict": STRICT, "official": OFFICIAL},
        {} if taus is None else {"row": curves(taus, rhos)},
        trained,
    )
    assert found is not None
    return found["row"]


def over_splits(of: dict[str, np.ndarray], splits: tuple[tuple[str, ...], ...]) -> float:
    """The mean over seeds, splits and each split's videos, in loops."""
    means = []
    for seed in range(SEEDS):
        met: dict[str, int] = {}
        for split in splits:
            taus = []
            for video in split:
                row = of[video][seed]
                taus.append(row[met.get(video, 0) if len(row) > 1 else 0])
                met[video] = met.get(video, 0) + 1
            means.append(np.mean(taus))
    return float(np.mean(means))


@pytest.mark.parametrize("seed", range(5))
def test_the_steps_sum_to_official_less_strict_to_the_last_decimal(seed: int) -> None:
    strict, official, taus = drawn(seed)
    found = told(strict, official, taus)
    assert found.training is not None
    assert found.epoch is not None
    figures = [rounded(over_splits(official, OFFICIAL)), rounded(over_splits(strict, STRICT))]
    assert found.difference.mean == rounded(figures[0] - figures[1])
    steps = (found.videos.mean, found.training.mean, found.epoch.mean)
    assert rounded(sum(steps)) == found.difference.mean


def test_each_step_is_what_loops_over_seeds_and_splits_make_of_it() -> None:
    strict, official, taus = drawn()
    found = told(strict, official, taus)
    assert found.training is not None
    assert found.epoch is not None
    same = over_splits(strict, OFFICIAL)
    gained = [max(curve.values()) - curve[EPOCHS[-1]] for curve in taus.values()]
    assert found.videos.mean == pytest.approx(same - over_splits(strict, STRICT), abs=2e-6)
    assert found.epoch.mean == pytest.approx(np.mean(gained), abs=2e-6)
    last = over_splits(official, OFFICIAL) - np.mean(gained)
    assert found.training.mean == pytest.approx(last - same, abs=2e-6)
    assert (found.epoch.low, found.epoch.high) == (rounded(min(gained)), rounded(max(gained)))
    by_seed = np.reshape(gained, (SEEDS, len(OFFICIAL))).mean(axis=1)
    assert found.epoch.spread == pytest.approx(np.std(by_seed, ddof=1), abs=2e-6)
    others = []
    for (_, split), curve in taus.items():
        rest = [of for (_, other), of in taus.items() if other != split]
        best = max(EPOCHS, key=lambda at: sum(of[at] for of in rest))
        others.append(curve[best] - curve[EPOCHS[-1]])
    assert found.epoch.others == pytest.approx(np.mean(others), abs=2e-6)


def test_scores_that_know_no_split_move_by_their_videos_alone() -> None:
    strict, _, _ = drawn()
    found = told(strict, {video: of for video, of in strict.items() if video != "e"}, None)
    assert found.videos == found.difference
    assert found.videos.mean != 0
    assert found.training is not None
    assert found.training.mean == 0
    assert found.epoch is None
    assert found.lacking == 0


def test_runs_that_were_best_at_the_end_gained_nothing_by_choosing() -> None:
    strict, official, _ = drawn()
    rising: Taus = {
        (seed, split): {at: at for at in EPOCHS} for seed in range(SEEDS) for split in range(3)
    }
    found = told(strict, official, rising).epoch
    assert found is not None
    assert (found.mean, found.low, found.high, found.others) == (0, 0, 0, 0)


def test_an_epoch_that_every_split_agrees_on_is_as_good_elsewhere_and_a_splits_own_is_not() -> None:
    peaks = {0: 0.5, 1: 1.0, 2: 1.5}
    shared, own = (
        {
            (seed, split): {at: 1.0 if at == (1.0 if alike else peaks[split]) else 0.0
                            for at in EPOCHS}
            for seed in range(SEEDS) for split in range(3)
        }
        for alike in (True, False)
    )  # fmt: skip
    strict, official, _ = drawn()
    for taus, others in ((shared, 1), (own, 0)):
        found = told(strict, official, dict(taus)).epoch
        assert found is not None
        assert (found.mean, found.others) == (1, others)


def test_where_a_curve_lacks_the_tau_only_the_sum_of_training_and_epoch_is_known() -> None:
    strict, official, taus = drawn()
    whole = told(strict, official, taus)
    taus[1, 2][EPOCHS[-1]] = None
    found = told(strict, official, taus)
    assert (found.training, found.epoch, found.lacking) == (None, None, 1)
    assert (found.difference, found.videos) == (whole.difference, whole.videos)


def test_what_was_gained_is_of_the_epoch_kept_whatever_the_curve_says_of_others() -> None:
    curve = dict(zip(EPOCHS, (0.1, 0.4, 0.2, 0.3), strict=True))
    taus: Taus = {(0, split): dict(curve) for split in range(2)}
    found = gains(curves(taus), {"seed_0": [1.5, 2.0]}).kept_RK
    np.testing.assert_allclose(found, [[-0.1, 0]])


def test_a_run_of_which_there_is_no_curve_or_no_such_epoch_is_lacking() -> None:
    _, _, taus = drawn()
    epochs = kept(taus)
    del taus[0, 0]
    epochs["seed_2"][1] = 0.25
    epochs["seed_1"][1] = None
    missing = np.isnan(gains(curves(taus), epochs).kept_RK)
    assert np.argwhere(missing).tolist() == [[0, 0], [1, 1], [2, 1]]
    assert np.isnan(gains([], epochs).kept_RK).all()


def test_choosing_by_rho_is_told_in_the_tau_of_each_runs_own_best_rho() -> None:
    strict, official, taus = drawn()
    random = np.random.default_rng(7)
    rhos: Taus = {
        run: dict(zip(EPOCHS, random.random(len(EPOCHS)).tolist(), strict=True)) for run in taus
    }
    found = told(strict, official, taus, rhos).epoch
    assert found is not None
    gained = []
    for run, of in rhos.items():
        best = max(EPOCHS, key=lambda at: of[at])
        gained.append(taus[run][best] - taus[run][EPOCHS[-1]])
    assert found.by["rho"] == pytest.approx(np.mean(gained), abs=2e-6)
    assert found.by["tau"] == pytest.approx(found.mean, abs=2e-6)
    assert found.otherwise == {"ρ": found.by["rho"]}


def test_of_equal_rhos_the_earliest_counts_and_a_run_without_leaves_it_untold() -> None:
    strict, official, taus = drawn()
    alike: Taus = {run: dict.fromkeys(EPOCHS, 0.5) for run in taus}
    found = told(strict, official, taus, alike).epoch
    assert found is not None
    first = [curve[EPOCHS[0]] - curve[EPOCHS[-1]] for curve in taus.values()]
    assert found.by["rho"] == pytest.approx(np.mean(first), abs=2e-6)
    del alike[0, 1][EPOCHS[2]]
    found = told(strict, official, taus, alike).epoch
    assert found is not None
    assert list(found.by) == ["tau"]
    assert found.otherwise == {}


def test_one_protocol_leaves_nothing_to_compare() -> None:
    strict, _, _ = drawn()
    assert of_rows({"strict": {"row": scored(strict)}}, {"strict": STRICT}, {}, {}) is None

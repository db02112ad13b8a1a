"""Which weights are kept, and that nothing else looks at the test videos."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from lessons import ATTENTION, CPU, SETTINGS, trained, videos

from stages.splits.folds import Split
from stages.training.batches import Video
from stages.training.crossvalidation import chosen_by, cross_validate
from stages.training.fitting import Trained, fit, predict
from stages.training.held_out import AgreementOf, HeldOut, Watch
from stages.training.settings import By, Official
from stages.training.trainer import EpochJudge, Trainer
from stages.work.store import Store

NAMES = tuple(f"video_{number}" for number in range(1, 8))


def agreement(video: Video) -> AgreementOf:
    """τ by counting concordant pairs, one by one; in the place of ρ what is best of other epochs:
    how near the mean score is to a low one.
    """
    truth = video.gtscore_T.tolist()

    def of(scores_T: npt.NDArray[np.float32]) -> tuple[float, float]:
        assert scores_T.shape == (len(truth),)
        pairs = [(i, j) for i in range(len(truth)) for j in range(i)]
        signs = [np.sign((scores_T[i] - scores_T[j]) * (truth[i] - truth[j])) for i, j in pairs]
        return float(np.mean(signs)), -abs(float(scores_T.mean()) - 0.45)

    return of


def watching(tested: Sequence[Video], halfway: bool = True, by: By = "tau", gpus: int = 1) -> Watch:
    agreements = {video.name: agreement(video) for video in tested}
    return Watch(tested, agreements, halfway, by, gpus)


def official(
    epochs: float, halfway: bool = True, standardise: bool = False, by: By = "tau"
) -> Trained:
    """Five training videos, two a pass: three passes an epoch."""
    settings = SETTINGS.model_copy(
        update={"epochs": epochs, "lr": 1e-2, "standardise": standardise}
    )
    tested = videos(3, 1)
    watch = watching(tested, halfway, by)
    return fit(videos(), tested, ATTENTION, settings, seed=0, where=CPU, watch=watch)


def mean_tau(result: Trained) -> float:
    tested = videos(3, 1)
    return float(np.mean([agreement(video)(predict(result.model, video))[0] for video in tested]))


def test_the_curve_has_a_point_each_half_epoch() -> None:
    assert [point.epoch for point in official(3).curve] == [0.5, 1, 1.5, 2, 2.5, 3]
    assert [point.epoch for point in official(3, halfway=False).curve] == [1, 2, 3]


def test_an_epoch_of_one_pass_has_no_half() -> None:
    settings = SETTINGS.model_copy(update={"batch": 8})
    result = fit(
        videos(), videos(), ATTENTION, settings, seed=0, where=CPU, watch=watching(videos())
    )
    assert [point.epoch for point in result.curve] == [1, 2, 3]


@pytest.mark.parametrize("standardise", [True, False])
def test_the_weights_kept_are_those_of_the_best_evaluation(standardise: bool) -> None:
    """The weights at each epoch's end are known from a training that stops there."""
    long = official(6, standardise=standardise)
    taus = {point.epoch: point.tau for point in long.curve}
    assert len(set(taus.values())) > 1
    best = max(tau for tau in taus.values() if tau is not None)
    assert taus[long.epoch] == best
    assert all(tau < best for epoch, tau in taus.items() if tau is not None and epoch < long.epoch)
    assert mean_tau(long) == pytest.approx(best)
    for epochs in range(1, 7):
        settings = SETTINGS.model_copy(
            update={"epochs": epochs, "lr": 1e-2, "standardise": standardise}
        )
        stopped = fit(videos(), videos(3, 1), ATTENTION, settings, seed=0, where=CPU)
        assert taus[epochs] == pytest.approx(mean_tau(stopped))


def test_the_evaluation_kept_is_the_best_by_either_mark_and_the_curve_is_the_same() -> None:
    by_tau, by_rho = official(6), official(6, by="rho")
    assert by_tau.curve == by_rho.curve
    best = max(by_rho.curve, key=lambda point: point.rho or -9)
    assert by_rho.epoch == best.epoch != by_tau.epoch
    tested = videos(3, 1)
    kept = [agreement(video)(predict(by_rho.model, video))[1] for video in tested]
    assert np.mean(kept) == pytest.approx(best.rho, abs=1e-6)


@pytest.mark.parametrize("by", ["tau", "rho"])
@pytest.mark.parametrize("gpus", [2, 5])
def test_gpus_that_know_their_own_share_keep_what_is_better_for_each_of_them(
    by: By, gpus: int
) -> None:
    """Seven videos: the first GPU's first again where they do not go round."""
    tested = videos(7, 1)
    seen: dict[str, list[float]] = {video.name: [] for video in tested}

    def noting(video: Video) -> AgreementOf:
        def of(scores_T: npt.NDArray[np.float32]) -> tuple[float, float]:
            marks = agreement(video)(scores_T)
            seen[video.name].append(marks[0] if by == "tau" else marks[1])
            return marks

        return of

    settings = SETTINGS.model_copy(update={"epochs": 12, "lr": 1e-3})
    watch = Watch(tested, {video.name: noting(video) for video in tested}, True, by, gpus)
    found = fit(videos(), tested, ATTENTION, settings, seed=0, where=CPU, watch=watch)

    padded = [video.name for video in tested] + [video.name for video in tested][: -7 % gpus]
    kept = 0
    for number in range(1, len(found.curve)):
        better = 0
        for gpu in range(gpus):
            now, before = (
                np.mean([seen[name][at] for name in padded[gpu::gpus]]) for at in (number, kept)
            )
            better += bool(now > before)
        if better == gpus:
            kept = number
    assert kept > 0
    assert found.epoch == found.curve[kept].epoch
    if by == "tau":  # what stands for ρ gets better with every epoch
        assert found.epoch != max(found.curve, key=lambda point: point.tau or -9).epoch


def test_watching_changes_which_weights_are_kept_and_nothing_else() -> None:
    watched = official(4)
    alone = fit(
        videos(),
        videos(3, 1),
        ATTENTION,
        SETTINGS.model_copy(update={"epochs": 4, "lr": 1e-2}),
        seed=0,
        where=CPU,
    )
    ends = [point for point in watched.curve if point.epoch == int(point.epoch)]
    assert [(p.train_loss, p.test_loss) for p in ends] == [
        (p.train_loss, p.test_loss) for p in alone.curve
    ]
    assert alone.epoch == 4
    assert {point.tau for point in alone.curve} == {None}


def test_constant_predictions_of_every_evaluation_keep_the_first() -> None:
    tested = videos(3, 1)
    watch = Watch(tested, {video.name: lambda scores_T: (0.0, 0.0) for video in tested}, True)
    assert fit(videos(), tested, ATTENTION, SETTINGS, seed=0, where=CPU, watch=watch).epoch == 0.5


def test_the_test_loss_is_of_the_test_videos_whatever_is_watched_beside_them() -> None:
    model = trained().model
    tested, watched = videos(2, 1), [Video("other", {"states": torch.randn(9, 8)}, torch.rand(9))]
    alone = HeldOut(tested, None, CPU).measure(model)
    beside, *agreed, shares = HeldOut(tested, watching(watched), CPU).measure(model)
    assert beside == pytest.approx(alone.loss, abs=1e-6)
    assert (alone.tau, alone.rho, alone.shares) == (None, None, ())
    assert shares == (agreed[0],)
    model.eval()
    assert agreed == pytest.approx(agreement(watched[0])(predict(model, watched[0])))


def refuse(scores_T: npt.NDArray[np.float32]) -> tuple[float, float]:
    raise AssertionError("looked at the test videos")


def strictly(folder: Path, validation: float) -> list[tuple[float | None, list[float | None]]]:
    """Epoch kept and τs of each split, where agreement with test videos raises."""
    known = {video.name: video for video in videos(7)}
    split = Split(NAMES[:5], NAMES[5:])
    judged = {name: EpochJudge(agreement(known[name]), name) for name in split.train}
    judged |= {name: EpochJudge(refuse, name) for name in split.test}
    chosen = {"validation": validation, "lr": 1e-2, "official": Official(by="rho")}
    settings = SETTINGS.model_copy(update=chosen)
    trainer = Trainer(lambda *_: known, judged, ATTENTION, settings, CPU)
    found = cross_validate(trainer, {"strict": [split]}, Store(folder), processes=1)
    return [(each.run.epoch, [point.tau for point in each.curve]) for each in found]


def test_strict_keeps_the_last_epoch_and_judges_nothing(tmp_path: Path) -> None:
    assert strictly(tmp_path, 0) == [(3, [None, None, None])]


def test_strict_with_a_validation_set_keeps_its_best_epoch_and_never_judges_a_test_video(
    tmp_path: Path,
) -> None:
    [(epoch, taus)] = strictly(tmp_path, 0.3)
    assert len(taus) == 3
    assert epoch == 1 + int(np.argmax(np.array(taus, dtype=float)))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("validation", [0.1, 0.3, 0.7])
def test_videos_set_aside_are_neither_learnt_from_nor_tested(validation: float, seed: int) -> None:
    split = Split(NAMES[:5], NAMES[5:])
    learnt, watched = chosen_by("strict", split, validation, seed)
    assert watched
    assert sorted([*learnt, *watched]) == sorted(split.train)
    assert not set(watched) & (set(split.test) | set(learnt))
    assert chosen_by("official", split, validation, seed) == (split.train, split.test)

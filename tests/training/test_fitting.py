import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from lessons import ATTENTION, CPU, MLP, SETTINGS, trained, videos

from stages.errors import UserError
from stages.scorers.settings import Entry, RepresentativeEntry
from stages.training.batches import Video, padded
from stages.training.fitting import Epoch, Trained, fit, predict


def state(result: Trained) -> dict[str, np.ndarray]:
    return {name: value.numpy() for name, value in result.model.state_dict().items()}


def test_a_seed_gives_the_same_weights_whatever_ran_before() -> None:
    first = trained()
    torch.rand(7)
    trained(seed=5)
    again = trained()
    assert first.curve == again.curve
    assert all(np.array_equal(value, state(again)[name]) for name, value in state(first).items())


def test_another_seed_gives_other_weights() -> None:
    assert not np.array_equal(
        state(trained())["d_linear1.weight"], state(trained(seed=1))["d_linear1.weight"]
    )


def test_training_leaves_the_callers_randomness_alone() -> None:
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    trained()
    assert torch.equal(torch.rand(2), expected)
    assert not torch.are_deterministic_algorithms_enabled()


@pytest.mark.parametrize("entry", [ATTENTION, MLP])
def test_what_can_be_learnt_is_learnt(entry: Entry) -> None:
    curve = trained(entry, epochs=60).curve
    assert [point.epoch for point in curve] == list(range(1, 61))
    assert curve[-1].train_loss < curve[0].train_loss / 2


def test_the_test_videos_change_nothing_but_their_own_loss() -> None:
    one = fit(videos(), videos(2, 1), ATTENTION, SETTINGS, seed=0, where=CPU)
    other = fit(videos(), videos(3, 2), ATTENTION, SETTINGS, seed=0, where=CPU)
    assert [point.train_loss for point in one.curve] == [p.train_loss for p in other.curve]
    assert one.curve[-1].test_loss != other.curve[-1].test_loss
    assert all(np.array_equal(value, state(other)[name]) for name, value in state(one).items())


@pytest.mark.parametrize("standardise", [True, False])
def test_the_last_test_loss_is_that_of_the_predictions(standardise: bool) -> None:
    result, held_out = trained(standardise=standardise), videos(2, 1)
    errors = [predict(result.model, video) - video.gtscore_T.numpy() for video in held_out]
    expected = float((np.concatenate(errors) ** 2).mean())
    assert result.curve[-1].test_loss == pytest.approx(expected, abs=1e-6)


def test_only_standardised_training_ignores_the_scale_and_origin_of_the_embeddings() -> None:
    moved = [
        replace(video, inputs={"states": video.inputs["states"] * 16 + 512}) for video in videos()
    ]
    losses = {}
    for standardise in (True, False):
        settings = SETTINGS.model_copy(update={"standardise": standardise})
        for name, chosen in (("as it is", videos()), ("moved", moved)):
            curve = fit(chosen, chosen, ATTENTION, settings, seed=0, where=CPU).curve
            losses[standardise, name] = curve[-1].train_loss
    assert losses[True, "moved"] == pytest.approx(losses[True, "as it is"], rel=1e-3)
    assert losses[False, "moved"] != pytest.approx(losses[False, "as it is"], rel=1e-3)


def test_each_epoch_is_reported_as_it_ends() -> None:
    told: list[Epoch] = []
    result = fit(
        videos(), videos(2, 1), ATTENTION, SETTINGS, seed=0, where=CPU, on_point=told.append
    )
    assert told == result.curve


def test_the_loss_counts_real_frames_alone_and_each_alike() -> None:
    batch = padded([Video("a", {"states": torch.zeros(1, 8)}, torch.zeros(1)), *videos(1)])
    scores_BT = torch.rand(batch.gtscore_BT.shape)
    squares = [
        (float(scores_BT[video, frame]) - float(batch.gtscore_BT[video, frame])) ** 2
        for video, length in enumerate((1, 4))
        for frame in range(length)
    ]
    assert float(trained(epochs=1).model.loss(scores_BT, batch)) == pytest.approx(
        math.fsum(squares) / 5
    )


def test_predictions_are_one_score_a_frame_in_0_to_1() -> None:
    model = trained().model
    for video in videos(3, 4):
        scores_T = predict(model, video)
        assert scores_T.shape == video.gtscore_T.shape
        assert scores_T.dtype == np.float32
        assert ((scores_T >= 0) & (scores_T <= 1)).all()


def test_training_that_falls_apart_says_what_to_change() -> None:
    broken = [Video("a", {"states": torch.full((3, 8), torch.inf)}, torch.zeros(3))]
    with pytest.raises(UserError, match=r"epoch 1 .*train\.lr"):
        fit(broken, broken, ATTENTION, SETTINGS, seed=0, where=CPU)


def test_a_scorer_that_learns_nothing_is_kept_as_it_is_built_whatever_the_settings() -> None:
    entry = RepresentativeEntry(title="r", kind="representative", inputs=("image",))
    seen = [Video(v.name, {"image": v.inputs["states"]}, v.gtscore_T) for v in videos()]
    settings = SETTINGS.model_copy(update={"standardise": True})
    found = fit(seen[:3], seen[3:], entry, settings, seed=0, where=CPU)
    assert [(point.epoch, point.lr) for point in found.curve] == [(1, 0)]
    assert found.curve[0].test_loss > 0
    np.testing.assert_allclose(
        predict(found.model, seen[4]), found.model.scores(seen[4].inputs).numpy()
    )

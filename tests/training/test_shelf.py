from dataclasses import replace

import numpy as np
import pytest
import torch

from stages import params
from stages.errors import UserError
from stages.scorers import registry
from stages.scorers.settings import GlobalAttentionEntry
from stages.training import held_out, shelf
from stages.training.batches import Video
from stages.training.fitting import fit, predict
from stages.training.held_out import HeldOut, Watch
from stages.training.shelf import Row, Shelf, changed, chosen
from stages.training.standardisation import Standardisation

CPU = torch.device("cpu")


def videos(count: int, width: int = 8) -> dict[str, Video]:
    random = torch.Generator().manual_seed(0)
    made = {}
    for number in range(count):
        x_TD = torch.randn(5 + 3 * number, width, generator=random) * 3 + number
        name = f"video_{number + 1}"
        made[name] = Video(name, {"states": x_TD}, torch.rand(len(x_TD), generator=random))
    return made


def on_a_shelf(made: dict[str, Video], room: int = 0) -> tuple[Shelf, list[str]]:
    """And the names of what was read, as it is read."""
    read: list[str] = []

    def one(name: str) -> Video:
        read.append(name)
        return made[name]

    return Shelf(list(made), one, room), read


def entry() -> GlobalAttentionEntry:
    return GlobalAttentionEntry(
        title="m", kind="global-attention", inputs=("query",),
        width=16, layers=1, heads=2, feedforward=16, dropout=0.1,
    )  # fmt: skip


def test_a_shelf_keeps_what_was_wanted_last_and_no_more_than_its_room():
    made = videos(3)
    first, second, third = made
    both = made[first].nbytes + made[second].nbytes
    stood, read = on_a_shelf(made, both)
    for name in (first, second, first, second):
        assert stood[name] is made[name]
    assert read == [first, second]
    stood[third], stood[second], stood[first]
    assert read.count(third) == 1
    assert read.count(first) == 2
    assert list(stood) == [first, second, third]
    with pytest.raises(KeyError):
        stood["video_9"]


def test_a_row_changes_each_video_whenever_it_is_taken():
    stood, read = on_a_shelf(videos(3))
    row = chosen(stood, ["video_3", "video_1"])
    doubled = changed(row, lambda video: replace(video, gtscore_T=video.gtscore_T * 2))
    assert isinstance(doubled, Row)
    assert read == []
    assert [video.name for video in doubled] == ["video_3", "video_1"]
    assert torch.equal(doubled[0].gtscore_T, stood["video_3"].gtscore_T * 2)
    assert [video.name for video in doubled[1:]] == ["video_1"]


def test_one_scale_is_the_same_whether_videos_are_taken_together_or_one_by_one():
    made = videos(5)
    stood, _ = on_a_shelf(made)
    together = Standardisation.of(list(made.values()))
    one_by_one = Standardisation.of(chosen(stood, list(made)))
    for of, other in (
        (together.means, one_by_one.means),
        (together.deviations, one_by_one.deviations),
    ):
        assert torch.allclose(of["states"], other["states"], rtol=1e-12, atol=1e-12)


def test_what_is_held_out_is_measured_alike_in_one_batch_and_in_turn():
    made = videos(4)
    stood, _ = on_a_shelf(made)
    agreement = {name: lambda scores_T: (float(scores_T[0]), float(scores_T[-1])) for name in made}
    torch.manual_seed(0)
    model = registry.build(entry(), {"states": 8})
    names = list(made)
    found = []
    for source in (made, stood):
        watch = Watch(chosen(source, names[1:]), agreement, False)
        found.append(HeldOut(chosen(source, names[:3]), watch, CPU).measure(model))
    at_once, in_turn = found
    assert in_turn.loss == pytest.approx(at_once.loss, rel=1e-5)
    assert (in_turn.tau, in_turn.rho) == pytest.approx((at_once.tau, at_once.rho), rel=1e-5)
    assert model.training


def test_many_videos_are_measured_in_turn_and_earn_the_same(monkeypatch):
    made = list(videos(4).values())
    agreement = {
        video.name: lambda scores_T: (float(scores_T[0]), float(scores_T[-1])) for video in made
    }
    torch.manual_seed(0)
    model = registry.build(entry(), {"states": 8})
    watch = Watch(made[1:], agreement, False)
    at_once = HeldOut(made[:3], watch, CPU)
    longest = max(len(video.gtscore_T) for video in made)
    monkeypatch.setattr(held_out, "TOGETHER", 4 * longest - 1)
    in_turn = HeldOut(made[:3], watch, CPU)
    assert at_once._batch is not None
    assert in_turn._batch is None
    for one, other in zip(at_once.measure(model), in_turn.measure(model), strict=True):
        assert other == pytest.approx(one, rel=1e-5)


@pytest.mark.parametrize("standardise", [False, True])
def test_a_scorer_learns_the_same_of_videos_that_memory_does_not_hold(standardise):
    made = videos(5)
    stood, read = on_a_shelf(made)
    settings = params.recipe("demo").train.model_copy(
        update={"epochs": 3, "batch": 2, "standardise": standardise}
    )
    trained = [
        fit(
            chosen(source, ["video_1", "video_2", "video_3"]),
            chosen(source, ["video_4", "video_5"]),
            *(entry(), settings), seed=3, where=CPU,
        )
        for source in (made, stood)
    ]  # fmt: skip
    held, lazily = (predict(of.model, made["video_5"]) for of in trained)
    if standardise:
        assert np.allclose(held, lazily, atol=1e-5)
    else:
        assert np.array_equal(held, lazily)
    assert read.count("video_2") >= 3


@pytest.mark.parametrize("said", ["much", "0", "-1", "nan", "inf"])
def test_room_that_is_no_number_is_refused_by_its_name(said, monkeypatch):
    monkeypatch.setenv("LLMVS_ROOM", said)
    with pytest.raises(UserError, match="LLMVS_ROOM"):
        shelf.room(2, CPU)
    monkeypatch.setenv("LLMVS_ROOM", "1.5")
    assert shelf.room(3, CPU) == 500_000_000

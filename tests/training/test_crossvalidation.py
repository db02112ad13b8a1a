"""Runs in order, kept in the work store, and taken from there."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from lessons import ATTENTION, CPU, MLP, SETTINGS, videos

from stages.errors import UserError
from stages.metrics.panel import Panel, Rules
from stages.scorers.scorer import Scorer
from stages.splits.folds import Split
from stages.splits.settings import Protocol
from stages.training import taken
from stages.training.batches import Video
from stages.training.crossvalidation import Finished, cross_validate, jobs, side_by_side
from stages.training.settings import Official
from stages.training.trainer import VERSION, EpochJudge, Job, Trainer, lessons
from stages.work.items import Arrays
from stages.work.store import Store, key

NAMES = tuple(f"video_{number}" for number in range(1, 8))
PLANNED: dict[Protocol, list[Split]] = {
    "strict": [Split(NAMES[2:], NAMES[:2]), Split(NAMES[:5], NAMES[5:])],
    "official": [Split(NAMES[2:], NAMES[:2])],
}


def flat(scores_T: npt.NDArray[np.float32]) -> tuple[float, float]:
    return 0.0, 0.0


@dataclass
class Known:
    """The same videos for every split; can be handed to other processes."""

    videos: dict[str, Video] = field(default_factory=lambda: {v.name: v for v in videos(7)})

    def __call__(self, protocol: Protocol, number: int) -> Mapping[str, Video]:
        return self.videos


@dataclass(frozen=True, eq=False)
class Counting(Trainer):
    """Notes the runs it does; breaks after so many."""

    seen: list[Job] = field(default_factory=list)
    breaks_after: int | None = None

    def __call__(self, jobs: list[Job]) -> Iterator[tuple[int, Arrays]]:
        for index, job in enumerate(jobs):
            if self.breaks_after == len(self.seen):
                raise KeyboardInterrupt
            self.seen.append(job)
            for _, arrays in super().__call__([job]):
                yield index, arrays


def trainer(**changes: Any) -> Counting:
    settings = SETTINGS.model_copy(update={"seeds": (4, 1), "epochs": 1})
    judged = {name: EpochJudge(flat, name) for name in NAMES}
    return replace(Counting(Known(), judged, ATTENTION, settings, CPU), **changes)


def outcome(found: Iterator[Finished]) -> list[tuple[Any, ...]]:
    return [
        (
            *(of.run.place, of.run.epoch, of.curve, of.checkpoint, of.keys),
            *((name, scores_T.tobytes()) for name, scores_T in of.run.scores.items()),
        )
        for of in found
    ]


def test_runs_of_both_protocols_come_in_order(tmp_path: Path) -> None:
    found = cross_validate(trainer(), PLANNED, Store(tmp_path), processes=1)
    assert [each.run.place for each in found] == [
        "strict/seed_4/split_0", "strict/seed_4/split_1",
        "strict/seed_1/split_0", "strict/seed_1/split_1",
        "official/seed_4/split_0", "official/seed_1/split_0",
    ]  # fmt: skip


def test_a_killed_training_goes_on_where_it_stopped_and_gives_the_same_bytes(
    tmp_path: Path,
) -> None:
    whole = outcome(cross_validate(trainer(), PLANNED, Store(tmp_path / "a"), processes=1))
    killed, second, third = trainer(breaks_after=4), trainer(), trainer()
    store = Store(tmp_path / "b")
    with pytest.raises(KeyboardInterrupt):
        list(cross_validate(killed, PLANNED, store, processes=1))
    assert outcome(cross_validate(second, PLANNED, store, processes=1)) == whole
    assert [*killed.seen, *second.seen] == jobs(second.settings, PLANNED)
    assert outcome(cross_validate(third, PLANNED, store, processes=1)) == whole
    assert third.seen == []


def test_more_processes_give_the_same_bytes(tmp_path: Path) -> None:
    one = outcome(cross_validate(trainer(), PLANNED, Store(tmp_path / "a"), processes=1))
    two = outcome(cross_validate(trainer(), PLANNED, Store(tmp_path / "b"), processes=2))
    assert one == two


def test_a_card_has_one_run_at_a_time_unless_it_is_said_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {4, 5, 7}, raising=False)
    monkeypatch.delenv("LLMVS_RUNS", raising=False)
    card = torch.device("cuda")
    assert (side_by_side(CPU), side_by_side(card)) == (3, 1)
    monkeypatch.setenv("LLMVS_RUNS", "6")
    assert (side_by_side(CPU), side_by_side(card)) == (6, 6)
    for wrong in ("0", "-1", "many", "1.5"):
        monkeypatch.setenv("LLMVS_RUNS", wrong)
        with pytest.raises(UserError, match=rf"LLMVS_RUNS={wrong}: must be how many"):
            side_by_side(card)


def test_weights_that_the_store_lost_are_computed_again(tmp_path: Path) -> None:
    store = Store(tmp_path)
    whole = outcome(cross_validate(trainer(), PLANNED, store, processes=1))
    store.place(whole[0][4][1]).write_bytes(b"nonsense")
    again = trainer()
    assert outcome(cross_validate(again, PLANNED, store, processes=1)) == whole
    assert again.seen == jobs(again.settings, PLANNED)[:1]


def test_where_only_shown_weights_are_kept_they_are_the_first_protocols_with_the_first_seed(
    tmp_path: Path,
) -> None:
    every = outcome(cross_validate(trainer(), PLANNED, Store(tmp_path / "a"), processes=1))
    store = Store(tmp_path / "b")
    chosen = trainer(**_settings(checkpoints="shown"))
    shown = outcome(cross_validate(chosen, PLANNED, store, processes=1))
    kept = [place for place, _, _, checkpoint, *_ in shown if checkpoint is not None]
    assert kept == ["strict/seed_4/split_0", "strict/seed_4/split_1"]
    for whole, part in zip(every, shown, strict=True):
        assert part == whole or part == (*whole[:3], None, whole[4][:1], *whole[5:])
    assert len(list((tmp_path / "b/items").rglob("*.npz"))) == len(shown) + len(kept)

    later = trainer()
    assert outcome(cross_validate(later, PLANNED, store, processes=1)) == every
    assert [(job.protocol, job.seed) for job in later.seen] == [
        ("strict", 1), ("strict", 1), ("official", 4), ("official", 1),
    ]  # fmt: skip


def _another_opinion(of: Known) -> Known:
    video = of.videos["video_1"]
    return Known(of.videos | {"video_1": replace(video, gtscore_T=1 - video.gtscore_T)})


def _other_states(of: Known) -> Known:
    video = of.videos["video_1"]
    return Known(of.videos | {"video_1": replace(video, inputs={"states": torch.ones(4, 8)})})


def _settings(**changes: Any) -> dict[str, Any]:
    return {"settings": trainer().settings.model_copy(update=changes)}


JUDGED_OTHERWISE = trainer().judged | {"video_1": EpochJudge(flat, "another")}


@pytest.mark.parametrize(
    ("changes", "redone"),
    [
        ({}, 0),
        ({"entry": ATTENTION.model_copy(update={"title": "another name"})}, 0),
        ({"entry": ATTENTION.model_copy(update={"dropout": 0.2})}, 6),
        ({"entry": MLP}, 6),
        (_settings(lr=1e-2), 6),
        (_settings(seeds=(1, 4)), 0),
        (_settings(seeds=(4, 1, 7)), 3),
        (_settings(scorer={"width": 64}), 0),  # the entry holds it already
        (_settings(validation=0.2), 4),  # official watches its test videos
        (_settings(checkpoints="shown"), 0),
        (_settings(official=Official(by="tau")), 0),
        (_settings(official=Official(by="rho")), 2),  # strict chooses nothing
        (_settings(official=Official(gpus=5)), 2),
        ({"videos": _another_opinion(Known())}, 6),
        ({"videos": _other_states(Known())}, 6),
        ({"judged": JUDGED_OTHERWISE}, 2),  # where video_1 is watched
    ],
)
def test_a_run_is_done_again_when_what_determines_it_changes(
    tmp_path: Path, changes: dict[str, Any], redone: int
) -> None:
    store = Store(tmp_path)
    list(cross_validate(trainer(), PLANNED, store, processes=1))
    other = trainer(**changes)
    list(cross_validate(other, PLANNED, store, processes=1))
    assert len(other.seen) == redone


@pytest.mark.parametrize("protocol", ["strict", "official"])
def test_a_run_that_chooses_by_tau_is_known_by_the_key_from_before_there_was_a_choice(
    protocol: Protocol,
) -> None:
    job = Job(protocol, 4, 0, ("video_1",), ("video_2",), ("video_2",))
    contents = {"video_1": "one", "video_2": "two"}
    train = {
        "lr": 1e-3, "weight_decay": 0.01, "schedule": None, "clip": None, "epochs": 1, "batch": 2,
        "accumulate": 1, "standardise": False,
    }  # fmt: skip
    assert trainer().key(job, contents) == key(
        version=[VERSION, 2],
        entry=ATTENTION.model_dump(mode="json", exclude={"title"}),
        train=train,
        protocol=protocol,
        seed=4,
        learnt=[["video_1", "one"]],
        tested=[["video_2", "two"]],
        watched=[["video_2", "two", "video_2"]],
    )


def test_runs_kept_before_rho_was_have_none_on_their_curves(tmp_path: Path) -> None:
    store = Store(tmp_path)
    whole = list(cross_validate(trainer(), PLANNED, store, processes=1))
    assert whole[-1].curve[0].rho == 0
    run = whole[-1].keys[0]
    arrays = store.get(run)
    assert arrays is not None
    store.put(run, {name: array for name, array in arrays.items() if name != "rho"})
    again = list(cross_validate(trainer(), PLANNED, store, processes=1))[-1]
    assert again.curve == tuple(replace(point, rho=None) for point in whole[-1].curve)


def test_what_a_run_took_is_kept_as_it_was_when_it_was_made(tmp_path: Path) -> None:
    store = Store(tmp_path)
    first = [of.taken for of in cross_validate(trainer(), PLANNED, store, processes=1)]
    assert all(of is not None and of.training > of.scoring > 0 for of in first)
    assert [of.taken for of in cross_validate(trainer(), PLANNED, store, processes=1)] == first
    known = [of for of in first if of is not None]
    assert taken.means(known)[taken.TRAINING] == pytest.approx(
        sum(of.training for of in known) / len(known)
    )
    last = list(cross_validate(trainer(), PLANNED, store, processes=1))[-1].keys[0]
    kept = store.get(last)
    assert kept is not None
    store.put(last, {name: of for name, of in kept.items() if name != taken.SECONDS})
    after = [of.taken for of in cross_validate(trainer(), PLANNED, store, processes=1)]
    assert after == [*first[:-1], None]
    assert taken.means(after) == {}


def test_splits_are_known_by_their_videos(tmp_path: Path) -> None:
    store, other = Store(tmp_path), trainer()
    list(cross_validate(trainer(), PLANNED, store, processes=1))
    swapped: dict[Protocol, list[Split]] = {"strict": PLANNED["strict"][::-1]}
    list(cross_validate(other, swapped, store, processes=1))
    assert other.seen == []


def test_a_panel_is_known_by_all_that_its_agreement_depends_on() -> None:
    def content(agreement: Any = "scores", budget: float = 0.15, **changes: Any) -> str:
        panel = Panel(
            "video_1",
            Rules(agreement, "mean", budget),
            n_frames=30,
            picks=np.array([0, 15]),
            change_points=np.array([[0, 14], [15, 29]]),
            user_summary=np.ones((1, 30), np.float32),
            user_scores=np.arange(30, dtype=np.float32)[None],
        )
        return EpochJudge.by({"v": replace(panel, **changes)}, "v").content

    contents = [
        content(),
        content(agreement="summary"),
        content(budget=0.2),
        content(change_points=np.array([[0, 9], [10, 29]])),
        content(user_summary=np.zeros((1, 30), np.float32)),
        content(user_scores=np.ones((1, 30), np.float32)),
        content(picks=np.array([0, 16])),
    ]
    assert len(set(contents)) == len(contents)
    assert content() == contents[0]


def test_scores_that_are_no_numbers_are_no_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(_: Scorer, video: Video) -> npt.NDArray[np.float32]:
        return np.full(len(video.gtscore_T), np.nan, np.float32)

    monkeypatch.setattr("stages.training.trainer.predict", gone)
    with pytest.raises(UserError, match="video_1: its scores are no numbers"):
        list(cross_validate(trainer(), PLANNED, Store(tmp_path), processes=1))


def test_a_run_that_falls_apart_is_named(tmp_path: Path) -> None:
    def apart(*_: Any, **__: Any) -> None:
        raise UserError("training fell apart")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("stages.training.trainer.fit", apart)
        with pytest.raises(UserError, match=r"strict, seed \d+, split 1: training fell apart"):
            list(cross_validate(trainer(), PLANNED, Store(tmp_path), processes=1))


def test_what_forward_passes_run_in_is_part_of_a_run_and_float32_is_as_it_was() -> None:
    contents = dict.fromkeys(NAMES, "c")
    job = Job("strict", 1, 0, NAMES[2:], NAMES[:2], ())
    keys = {
        dtype: replace(trainer(), settings=SETTINGS.model_copy(update={"dtype": dtype})).key(
            job, contents
        )
        for dtype in ("float32", "float16", "bfloat16")
    }
    assert len(set(keys.values())) == 3
    assert keys["float32"] == trainer(settings=SETTINGS).key(job, contents)
    assert "dtype" not in lessons(ATTENTION, SETTINGS)["train"]

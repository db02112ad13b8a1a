"""Benchmarks compare like with like: the plain ways give what ours give."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode
from typer.testing import CliRunner

from stages.benchmarking import evaluation, memory, protocols, sampling, segmentation, training
from stages.benchmarking.timing import interleaved
from stages.benchmarks import span, whole_numbers
from stages.cli import app
from stages.errors import UserError
from stages.metrics.panel import Panel
from stages.scorers import registry
from stages.scorers.head import STATES
from stages.sources import tvsum
from stages.splits.folds import Split, strict
from stages.splits.settings import Protocol
from stages.summaries.knapsack import knapsack
from stages.summaries.kts import change_points


def panels(judged: list[tvsum.Annotations]) -> list[Panel]:
    """Of even shots."""
    cuts = [evaluation.even_shots(video.n_frames) for video in judged]
    return evaluation.panels_of(judged, cuts)


def test_ways_take_turns_and_a_slow_one_is_not_repeated() -> None:
    said: list[str] = []
    ways = {"a": lambda: said.append("a"), "b": lambda: said.append("b")}
    seconds, _ = interleaved(ways, rounds=3)
    assert said == ["a", "b"] * 3
    assert all(each >= 0 for each in seconds.values())
    said.clear()
    interleaved(ways, rounds=3, patience=-1)
    assert said == ["a", "b"]


@pytest.mark.parametrize("count", [2, 5, 40, 150])
def test_the_plain_segmentation_finds_the_same_shots(count: int) -> None:
    features_TD = segmentation.features(count)
    np.testing.assert_allclose(np.linalg.norm(features_TD, axis=1), 1)
    found = segmentation.plain_change_points(features_TD)
    np.testing.assert_array_equal(found, change_points(features_TD))


@pytest.mark.parametrize("seed", range(20))
def test_the_plain_knapsack_chooses_the_same_items(seed: int) -> None:
    random = np.random.default_rng(seed)
    values, weights = random.random(8), random.integers(1, 20, 8)
    assert evaluation.plain_knapsack(values.tolist(), weights.tolist(), 40) == knapsack(
        values, weights, 40
    )


def test_the_plain_marks_are_the_panels() -> None:
    judged = evaluation.synthetic(videos=2)
    # One who gave every frame the same score: a counted 0 in both.
    judged[0].user_scores_UN[3] = 4
    for panel in panels(judged):
        scores_T = np.random.default_rng(0).random(len(panel.picks))
        plain = evaluation.plain_marks(panel, scores_T)
        assert plain == pytest.approx(panel.verdict(scores_T).marks, abs=1e-9)


def test_synthetic_annotations_have_tvsums_shape() -> None:
    judged = evaluation.synthetic(videos=3)
    for video in judged:
        assert video.user_scores_UN.shape == (20, video.n_frames)
        assert set(np.unique(video.user_scores_UN)) <= {1, 2, 3, 4, 5}
        assert (video.user_scores_UN[:, :60] == video.user_scores_UN[:, :1]).all()
    assert evaluation.even_shots(301).tolist() == [[0, 149], [150, 299], [300, 300]]


def test_marks_that_differ_end_the_benchmark(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation, "synthetic", lambda f=evaluation.synthetic: f(videos=1))
    assert evaluation.measure(None, None, 1).row_count == 3
    right = evaluation.plain_marks
    monkeypatch.setattr(
        evaluation, "plain_marks", lambda *of: right(*of)._replace(tau=right(*of).tau + 1e-8)
    )
    with pytest.raises(UserError, match="away from the plain way's"):
        evaluation.measure(None, None, 1)


def test_synthetic_annotations_are_called_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation, "synthetic", lambda f=evaluation.synthetic: f(videos=1))
    ran = CliRunner().invoke(app, ["bench", "evaluate", "--rounds", "1"])
    assert ran.exit_code == 0, ran.output
    assert "SYNTHETIC" in ran.output


def test_segmentation_is_a_command() -> None:
    ran = CliRunner().invoke(app, ["bench", "kts", "--sizes", "20,50", "--rounds", "1"])
    assert ran.exit_code == 0, ran.output
    assert "50" in ran.output


def test_sampling_in_processes_takes_what_one_process_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    options = ["--videos", "5", "--seconds", "2", "--size", "64,48", "--rounds", "1"]
    ran = CliRunner().invoke(app, ["bench", "sample", *options, "--processes", "2"])
    assert ran.exit_code == 0, ran.output
    for said in ("5 videos of 64 x 48", "one process", "2 processes"):
        assert said in ran.output
    monkeypatch.setattr(
        sampling,
        "interleaved",
        lambda ways, rounds: (
            dict.fromkeys(ways, 1.0),
            {way: ([{"fps": np.array(number)}] * 5, 1.0) for number, way in enumerate(ways)},
        ),
    )
    with pytest.raises(UserError, match="do not take the same"):
        sampling.measure(5, 2, (64, 48), 2, 1)
    for wrong in ("64", "63,48", "64,48,64"):
        assert "WIDTH,HEIGHT" in str(
            CliRunner().invoke(app, ["bench", "sample", "--size", wrong]).exception
        )


def test_the_report_of_a_larger_dataset_is_measured() -> None:
    ran = CliRunner().invoke(app, ["bench", "report", "--videos", "5", "--frames", "20"])
    assert ran.exit_code == 0, ran.output
    for said in ("5 videos of 20 frames", "SYNTHETIC predictions", "the largest page", "peak"):
        assert said in ran.output


def test_lists_of_numbers_are_checked() -> None:
    assert whole_numbers("600,2400") == [600, 2400]
    assert span("20,40") == (20, 40)
    for wrong in ("", "a", "1;2", "0"):
        with pytest.raises(UserError, match="expected"):
            whole_numbers(wrong)
    for wrong in ("3", "4,3", "1,2,3"):
        with pytest.raises(UserError, match="LOW,HIGH"):
            span(wrong)


def test_memory_that_grows_inside_is_seen() -> None:
    # In a process of its own, as `watched` is used: pytest's own gives back what other tests held.
    program = """
import numpy as np
from stages.benchmarking.memory import watched
peak = []
with watched(peak):
    block = np.ones(8_000_000)
    for _ in range(20):
        block += 1
print(*peak)
"""
    run = [sys.executable, "-c", program]
    grown = int(subprocess.run(run, capture_output=True, text=True, check=True).stdout)
    assert 50e6 < grown < 100e6


def test_a_measuring_process_that_fails_says_why() -> None:
    with pytest.raises(UserError, match=r"4 rows: the process failed: .*nowhere"):
        memory.measure("/nowhere/at/all", "demo", (2, 3), (2, 3), [4])


def test_random_features_have_nothing_to_do_with_the_annotations() -> None:
    found = panels(evaluation.synthetic(videos=2))
    videos = protocols.random_videos(found)
    changed = [replace(panel, user_scores=6 - panel.user_scores) for panel in found]
    for name, other in protocols.random_videos(changed).items():
        np.testing.assert_array_equal(videos[name].inputs[STATES], other.inputs[STATES])
        np.testing.assert_allclose(videos[name].gtscore_T, 1 - other.gtscore_T, atol=1e-6)


def test_the_official_protocol_never_does_worse_than_its_own_last_epoch() -> None:
    judges = panels(evaluation.synthetic(videos=4))
    folds = strict([panel.name for panel in judges], 2)
    planned: dict[Protocol, list[Split]] = {"official": folds, "strict": folds}
    found = protocols.compare(judges, planned, epochs=3, seeds=1, processes=1)
    last = found["official, last epoch"].tau
    assert found["official"].tau >= last
    # The same splits, so without the choice they are the same model.
    assert found["strict"].tau == pytest.approx(last, abs=1e-9)
    assert found["strict, official's videos"] == pytest.approx(found["strict"], abs=1e-9)


def test_between_the_protocols_strict_is_told_on_officials_videos_too() -> None:
    judges = panels(evaluation.synthetic(videos=4))
    names = [panel.name for panel in judges]
    pair = Split(tuple(names[2:]), tuple(names[:2]))
    planned: dict[Protocol, list[Split]] = {"official": [pair, pair], "strict": strict(names, 4)}
    found = protocols.compare(judges, planned, epochs=1, seeds=1, processes=1)
    planned["strict"] = [fold for fold in planned["strict"] if fold.test[0] in pair.test]
    alone = protocols.compare(judges, planned, epochs=1, seeds=1, processes=1)
    assert found["strict, official's videos"] == pytest.approx(alone["strict"], abs=1e-9)
    assert found["strict"].tau != pytest.approx(alone["strict"].tau, abs=1e-3)


def test_protocols_wants_real_annotations(tmp_path: Path) -> None:
    ran = CliRunner().invoke(app, ["bench", "protocols", "--mat", str(tmp_path / "none.mat")])
    assert isinstance(ran.exception, UserError)


def test_training_is_measured_beside_the_plain_loop_which_gives_the_same_scores() -> None:
    said = CliRunner().invoke(
        app,
        "bench train --recipe demo --width 24 --videos 5 --epochs 1 --rounds 1",
        env={"COLUMNS": "160"},
    )
    assert said.exit_code == 0, said.output
    for part in ("SYNTHETIC", "strict", "official", "times faster", "floor"):
        assert part in said.output


def test_the_floor_of_training_counts_every_matrix_product_once() -> None:
    of = training.task("demo", "llmvs", 24, 5)
    model = registry.build(of.entry, of.train[0].widths)
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as learning:
        for video in of.train:
            training.plainly_scored(model, [video])[0].sum().backward()
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as testing:
        for video in of.test:
            training.plainly_scored(model, [video])
    learnt, tested = learning.get_total_flops(), testing.get_total_flops()
    found = training.operations(of)
    assert found == pytest.approx(learnt + 2 * tested, rel=1e-6)
    alone = replace(of, watch=None)
    assert found - training.operations(alone) == pytest.approx(tested, rel=1e-6)


def test_a_training_that_learns_otherwise_ends_the_benchmark(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    learnt = training.ours
    monkeypatch.setattr(training, "ours", lambda of: [scores + 0.01 for scores in learnt(of)])
    with pytest.raises(UserError, match="away from the plain loop's"):
        training.measure("demo", "llmvs", 24, 5, 1, 1)

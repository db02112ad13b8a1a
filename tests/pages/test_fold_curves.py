"""The learning of every split, and the epoch that was kept."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from stages.artifacts import predictions, timeline
from stages.artifacts.places import Places
from stages.artifacts.predictions import Run
from stages.errors import UserError
from stages.pages.report import folds


def read(built: Path) -> list[folds.Run]:
    return folds.read(Places(built / "data/demo"), "llmvs")


def test_every_run_of_the_model_is_there_with_the_epoch_it_kept(built: Path) -> None:
    runs = read(built)
    places = {(run.protocol, run.seed, run.split) for run in runs}
    assert len(places) == len(runs)
    assert {run.protocol for run in runs} == {"strict", "official"}
    for run in runs:
        assert run.last == (run.protocol == "strict")
        assert run.kept == (8 if run.last else 5.5)
        assert run.epochs_E[-1] == 8
        assert len(run.epochs_E) == len(run.train_E) == len(run.test_E) == (8 if run.last else 16)


def test_a_diamond_marks_the_kept_epoch_only_where_it_is_not_the_last(built: Path) -> None:
    official = [run for run in read(built) if run.protocol == "official"]
    last = [replace(run, kept=float(run.epochs_E[-1])) for run in official]

    def diamonds(runs: list[folds.Run]) -> int:
        drawn = folds.figure(
            runs, {"official": "rule"}, guess=0.05, top=0.1, loss="loss", heading=None
        )
        assert "split 1" in drawn
        return drawn.count("#c8500a")

    # A diamond stands in the legend either way.
    assert diamonds(official) > diamonds(last) > 0


def test_what_lies_above_the_axis_is_an_arrow_at_its_end(built: Path) -> None:
    official = [run for run in read(built) if run.protocol == "official"]
    highest = max(float(run.test_E.max()) for run in official)

    def drawn(top: float) -> str:
        return folds.figure(
            official, {"official": "rule"}, guess=None, top=top, loss="loss", heading=None
        )

    assert "above the axis" not in drawn(1.1 * highest)
    low = drawn(0.2 * highest)
    assert "above the axis" in low
    # Every marker is in the panel: none is placed above the upper end of its axis.
    frame = min(float(y) for _, y in re.findall(r"M ([\d.]+) [\d.]+\nL \1 ([\d.]+)\n", low))
    marks = [float(y) for y in re.findall(r'<use xlink:href="#m\w+" x="[\d.]+" y="([\d.]+)"', low)]
    assert min(marks) >= frame - 0.01


def test_predictions_of_another_run_are_one_message(artifacts: Path) -> None:
    places = Places(artifacts / "data/demo")
    path = places.predictions("llmvs")
    lengths = {video.name: len(video.picks_T) for video in timeline.read(places.timeline).videos}
    of = predictions.read(path, lengths, ["strict", "official"])
    others = [
        Run(name, 0, split, 8.0, scores)
        for name, protocol in of.items()
        for split, scores in enumerate(protocol.scores["seed_0"])
    ]
    predictions.write(path, others)
    with pytest.raises(UserError, match=r"llmvs\.h5: lacks a run that .*llmvs\.csv.*seed 1"):
        read(artifacts)

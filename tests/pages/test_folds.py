"""The learning of every split, and the epoch that was kept."""

from dataclasses import replace
from pathlib import Path

import h5py
import pytest

from stages.errors import UserError
from stages.reporting import folds


def read(built: Path) -> list[folds.Run]:
    results = built / "reports/results/demo/curves.csv"
    return folds.read(results, built / "data/predictions/demo/llmvs.h5", "llmvs")


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
        drawn = folds.figure(runs, {"official": "rule"}, guess=0.05, top=0.1, heading=None)
        assert "split 1" in drawn
        return drawn.count("#c8500a")

    # A diamond stands in the legend either way.
    assert diamonds(official) > diamonds(last) > 0


def test_predictions_of_another_run_are_one_message(artifacts: Path) -> None:
    with h5py.File(artifacts / "data/predictions/demo/llmvs.h5", "a") as file:
        del file["official"]
    with pytest.raises(UserError, match=r"llmvs\.h5: lacks a run that .*curves\.csv"):
        read(artifacts)

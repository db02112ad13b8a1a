"""Learning curves as the report gathers them from each model's own."""

from dataclasses import replace
from pathlib import Path

import pytest
from stage_outputs import make

from stages.artifacts import curves, results
from stages.artifacts.places import Places
from stages.errors import UserError
from stages.pages.report import learning


def read(root: Path, model: str, protocol: str = "strict") -> learning.Curve:
    return learning.read(Places(root / "data/demo").curves(model), model, protocol)


def test_every_run_of_a_model_is_a_line_of_its_curve(artifacts: Path) -> None:
    curve = read(artifacts, "llmvs")
    assert curve.test_RE.shape == (4, 8)  # two seeds of two folds, eight epochs
    assert curve.epochs_E.tolist() == list(range(1, 9))
    path = artifacts / "data/demo/curves/mlp.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    last = next(line for line in lines if line.startswith("strict,1,1,8,"))
    train, test = (float(part) for part in last.split(",")[5:7])
    mlp = read(artifacts, "mlp")
    assert (mlp.train_RE[3, -1], mlp.test_RE[3, -1]) == (train, test)


def test_curves_are_those_of_the_protocol_asked_for(artifacts: Path) -> None:
    halves = [half / 2 for half in range(1, 17)]
    assert read(artifacts, "llmvs", "official").epochs_E.tolist() == halves
    with pytest.raises(UserError, match=r"llmvs\.csv: holds no run under the protocol other"):
        read(artifacts, "llmvs", "other")


def test_marks_of_videos_are_of_those_that_a_protocol_tests(tmp_path: Path) -> None:
    root = make(tmp_path, protocols=("official", "strict"))
    measured, by_video = results.read(root / "reports/results/demo")
    assert list(measured.protocols) == ["official", "strict"]
    assert (measured.protocols["official"].videos, measured.videos) == (4, 5)
    headline = by_video[measured.headline]
    assert set(headline["llmvs"]) == {f"video_{number}" for number in range(2, 6)}


def test_a_missing_curve_is_named_with_the_command_that_makes_it(artifacts: Path) -> None:
    (artifacts / "data/demo/curves/llmvs.csv").unlink()
    with pytest.raises(UserError, match=r"llmvs\.csv not found; run the train stage .*`dvc repro`"):
        read(artifacts, "llmvs")


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff\xfe", b"a,b\n1,2\n"])
def test_a_damaged_curve_is_named(artifacts: Path, content: bytes) -> None:
    (artifacts / "data/demo/curves/llmvs.csv").write_bytes(content)
    with pytest.raises(UserError, match=r"llmvs\.csv"):
        read(artifacts, "llmvs")


def test_a_curve_that_holds_no_number_is_named(artifacts: Path) -> None:
    path = artifacts / "data/demo/curves/llmvs.csv"
    text = path.read_text(encoding="utf-8").replace("strict,0,0,1,0.0003,", "strict,0,0,1,0.0003,x")
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=r"llmvs\.csv"):
        read(artifacts, "llmvs")


def test_runs_of_different_length_are_refused(artifacts: Path) -> None:
    path = artifacts / "data/demo/curves/mlp.csv"
    points = curves.read(path)
    longest = [point for point in points if (point.seed, point.split, point.epoch) != (1, 1, 8)]
    curves.write(path, longest)
    with pytest.raises(UserError, match=r"mlp\.csv: the runs of mlp cover different epochs"):
        read(artifacts, "mlp")


def test_a_diverged_epoch_does_not_set_the_scale(artifacts: Path) -> None:
    curve = read(artifacts, "llmvs")
    test_RE = curve.test_RE.copy()
    test_RE[:, 0] = 1e6
    usual = learning.highest([curve], 0.0)
    assert learning.highest([replace(curve, test_RE=test_RE)], 0.0) < 1e6
    assert usual < 0.2
    assert learning.highest([curve], 5.0) > 5

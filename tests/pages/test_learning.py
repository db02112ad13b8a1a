import json
from pathlib import Path

import pytest
from stage_outputs import make

from stages.errors import UserError
from stages.reporting import measurements

FILES = ("results.json", "per_video.csv", "curves.csv")


@pytest.fixture
def folder(artifacts: Path) -> Path:
    return artifacts / "reports/results/demo"


def test_every_run_of_a_model_is_a_line_of_its_curve(folder: Path) -> None:
    curves = {curve.model: curve for curve in measurements.read(folder).curves}
    assert list(curves) == ["llmvs", "query-only", "answer-only", "mlp"]
    assert curves["llmvs"].test_RE.shape == (4, 8)  # two seeds of two folds, eight epochs
    assert curves["llmvs"].epochs_E.tolist() == list(range(1, 9))
    lines = (folder / "curves.csv").read_text(encoding="utf-8").splitlines()
    last = next(line for line in lines if line.startswith("mlp,strict,1,1,8,"))
    train, test = (float(part) for part in last.split(",")[-3:-1])
    assert (curves["mlp"].train_RE[3, -1], curves["mlp"].test_RE[3, -1]) == (train, test)


def test_marks_of_a_video_are_found_by_row(folder: Path) -> None:
    measured = measurements.read(folder)
    line = (folder / "per_video.csv").read_text(encoding="utf-8").splitlines()[1]
    protocol, row, video, tau, _, _ = line.split(",")
    assert protocol == "strict"
    assert measured.by_video[row][video]["tau"] == float(tau)


def test_curves_and_marks_of_videos_are_of_the_first_protocol(tmp_path: Path) -> None:
    root = make(tmp_path, protocols=("official", "strict"))
    measured = measurements.read(root / "reports/results/demo")
    assert [of.name for of in measured.results.protocols] == ["official", "strict"]
    assert (measured.results.headline.videos, measured.results.videos) == (4, 5)
    assert set(measured.by_video["llmvs"]) == {f"video_{number}" for number in range(2, 6)}
    assert measured.curves[0].epochs_E.tolist() == [half / 2 for half in range(1, 17)]


def test_a_dataset_of_one_video_has_no_interval(folder: Path) -> None:
    path = folder / "results.json"
    text = path.read_text(encoding="utf-8").replace('"low": ', '"low": null, "was": ')
    path.write_text(text, encoding="utf-8")
    assert measurements.read(folder).results.headline.rows[0].figures["tau"].low is None


@pytest.mark.parametrize("name", FILES)
def test_a_missing_table_is_named_with_the_command_that_makes_it(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(UserError, match=rf"{name} not found; run the evaluate stage \(`dvc repro`"):
        measurements.read(folder)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("content", [b"", b"[]", b"\xff\xfe", b"a,b\n1,2\n"])
def test_a_damaged_table_is_named(folder: Path, name: str, content: bytes) -> None:
    (folder / name).write_bytes(content)
    with pytest.raises(UserError, match=name):
        measurements.read(folder)


def test_a_curve_that_holds_no_number_is_named(folder: Path) -> None:
    path = folder / "curves.csv"
    text = path.read_text(encoding="utf-8").replace("strict,0,0,1,0.0003,", "strict,0,0,1,0.0003,x")
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=r"curves\.csv"):
        measurements.read(folder)


def test_results_of_no_protocol_are_refused(folder: Path) -> None:
    path = folder / "results.json"
    document = json.loads(path.read_text(encoding="utf-8")) | {"protocols": {}}
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(UserError, match=r"results\.json: .*no protocol"):
        measurements.read(folder)


def test_runs_of_different_length_are_refused(folder: Path) -> None:
    path = folder / "curves.csv"
    text = path.read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("mlp,strict,1,1,8,")]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with pytest.raises(UserError, match="different epochs"):
        measurements.read(folder)

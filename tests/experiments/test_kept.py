"""What an experiment measured fills its row in a clone too, once it is kept."""

import json
import shutil
from pathlib import Path

import pytest
import yaml
from laboratory import Laboratory
from typer.testing import CliRunner

from stages.cli import app
from stages.errors import UserError
from stages.experiments import kept, lineup
from stages.experiments.revisions import HERE, experiments, resolve
from stages.experiments.table import Line

SCORES = b"\x89HDF5, as far as anyone looks here"


@pytest.fixture
def measured(laboratory: Laboratory) -> Laboratory:
    """With an experiment of a window of three, that left scores."""
    scores = laboratory.root / "reports/results/demo/scores.h5"
    scores.write_bytes(SCORES)
    laboratory.commit("scores")
    laboratory.experiment("demo-window-3", {"embed.window": 3}, 0.2)
    return laboratory


def of_three() -> Line:
    table = lineup.fill("window", "demo", "strict").tables[0]
    return next(line for line in table.lines if line.name == "window-3")


def table(*options: str) -> str:
    done = CliRunner().invoke(app, ["table", "window", "--protocol", "strict", *options])
    assert done.exit_code == 0, done.output
    return done.stdout


def forget_experiments(laboratory: Laboratory) -> None:
    """As in a clone."""
    for reference in laboratory.git(
        "for-each-ref", "--format=%(refname)", "refs/exps"
    ).splitlines():
        laboratory.git("update-ref", "-d", reference)
    assert list(experiments()) == []


def test_a_kept_experiment_fills_its_row_in_a_clone(measured: Laboratory) -> None:
    before = table("--keep")
    forget_experiments(measured)
    after = table().splitlines()
    assert [line for line in before.splitlines() if line not in after] == []
    assert "window of 3: as measured when kept in reports/experiments;" in " ".join(after)
    assert "as measured when kept" not in before
    assert of_three().source == "demo-window-3"
    folder = measured.root / kept.FOLDER / "demo-window-3"
    assert (folder / "scores.h5").read_bytes() == SCORES
    shutil.rmtree(folder)
    assert of_three().cells is None


def test_nothing_is_kept_unasked_nor_of_the_workspace(measured: Laboratory) -> None:
    table()
    assert not kept.FOLDER.exists()
    table("--keep")
    assert [one.name for one in kept.every()] == ["demo-window-3"]


def test_of_params_only_what_was_run_is_kept(measured: Laboratory) -> None:
    table("--keep")
    (one,) = kept.every()
    params = one.document("params.yaml")
    there = resolve("demo-window-3").document("params.yaml")
    assert params == {
        "datasets": {"demo": there["datasets"]["demo"]},
        "models": {"llmvs": there["models"]["llmvs"]},
    }
    assert params["datasets"]["demo"]["embed"]["window"] == 3
    assert one.text("stages/train.py") is None
    assert one.locked() == {}


def test_no_place_of_the_machine_is_kept(measured: Laboratory) -> None:
    recipe = measured.params["datasets"]["demo"]
    recipe["download"]["source"] = "/home/someone/SumMe.zip"
    measured.measure({"llmvs": 0.5})
    measured.commit("a source at hand")
    measured.experiment("demo-window-5", {"embed.window": 5}, 0.2)
    table("--keep")
    written = (kept.FOLDER / "demo-window-5" / "params.yaml").read_text()
    assert "/home/someone" not in written
    assert json.loads(written)["datasets"]["demo"]["download"]["source"] is None


def test_a_kept_experiment_of_other_params_does_not_count(measured: Laboratory) -> None:
    table("--keep")
    forget_experiments(measured)
    measured.params["datasets"]["demo"]["train"]["epochs"] = 7
    measured.measure({"llmvs": 0.5})
    assert "other params: train.epochs" in (of_three().why or "")


def test_a_kept_experiment_on_other_people_does_not_count(measured: Laboratory) -> None:
    table("--keep")
    forget_experiments(measured)
    for path, sha256 in (
        (Path("reports/results/demo/results.json"), "a"),
        (kept.FOLDER / "demo-window-3" / "results.json", "b"),
    ):
        document = json.loads(path.read_text())
        document["files"] = [{"path": "data/demo/source/people.h5", "sha256": sha256}]
        path.write_text(json.dumps(document))
    assert "other code or data: data/demo/source/people.h5" in (of_three().why or "")


def test_where_files_at_hand_lie_makes_nothing_stale(measured: Laboratory) -> None:
    recipe = measured.params["datasets"]["demo"]
    recipe["download"]["source"] = "/elsewhere/SumMe.zip"
    (measured.root / "params.yaml").write_text(yaml.safe_dump(measured.params))
    assert of_three().cells is not None


def test_an_experiment_without_scores_says_how_to_have_them(laboratory: Laboratory) -> None:
    laboratory.experiment("demo-window-3", {"embed.window": 3}, 0.2)
    with pytest.raises(UserError, match=r"demo-window-3: has no .*scores.h5; run it again"):
        kept.keep(resolve("demo-window-3"), "demo", "llmvs")
    assert not kept.FOLDER.exists()


def test_a_table_that_is_no_text_is_named(laboratory: Laboratory) -> None:
    Path("params.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(UserError, match=r"params.yaml is not UTF-8"):
        HERE.text("params.yaml")

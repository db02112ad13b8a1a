"""`llmvs table` prints, and with --run first measures what is missing."""

import json

import pytest
import yaml
from laboratory import BASE, Laboratory
from typer.testing import CliRunner

from stages.cli import app
from stages.errors import UserError
from stages.experiments import queue
from stages.experiments.table import Experiment


@pytest.fixture
def queued(monkeypatch: pytest.MonkeyPatch, laboratory: Laboratory) -> list[str]:
    """The names that were to be measured; measuring one leaves its experiment."""
    names: list[str] = []

    def measure(experiments: list[Experiment], workers: int, say: object, now: object) -> None:
        for one in experiments:
            names.append(one.name)
            laboratory.experiment(one.name, {"embed.window": int(one.row.split("-")[1])}, 0.2)

    monkeypatch.setattr(queue, "measure", measure)
    return names


def test_run_measures_only_what_is_missing_then_prints_it(
    laboratory: Laboratory, queued: list[str]
) -> None:
    laboratory.experiment("demo-window-3", {"embed.window": 3}, 0.3)
    done = CliRunner().invoke(app, ["table", "window", "--run", "-j", "2"])
    assert done.exit_code == 0, done.output
    assert queued == ["demo-window-1", "demo-window-5"]
    assert "Missing" not in done.output
    assert done.output.count("p .") == 2 * 2 * 3  # protocols, marks, rows but llmvs itself


def test_run_measures_beside_a_measure_that_has_a_floor(
    laboratory: Laboratory, queued: list[str]
) -> None:
    laboratory.measure({**BASE, "random": 0.08, "constant": 0.1})
    results = laboratory.root / "reports" / "results" / "demo" / "results.json"
    document = json.loads(results.read_text())
    for protocol in document["protocols"].values():
        protocol["floor"] = {"tau": 0.1, "rho": 0.1}
    results.write_text(json.dumps(document))
    laboratory.commit("with a floor")
    done = CliRunner().invoke(app, ["table", "window", "--run"])
    assert done.exit_code == 0, done.output
    assert len(queued) == 3
    assert "has a floor that is not zero" in " ".join(done.output.split())


def test_without_run_nothing_is_measured(laboratory: Laboratory, queued: list[str]) -> None:
    done = CliRunner().invoke(app, ["table", "window", "--protocol", "strict"])
    assert done.exit_code == 0, done.output
    assert queued == []
    assert done.output.count("dvc exp run") == 3


def test_rows_are_not_measured_against_a_llmvs_of_other_params(
    laboratory: Laboratory, queued: list[str]
) -> None:
    laboratory.params["datasets"]["demo"]["train"]["lr"] = 0.5
    (laboratory.root / "params.yaml").write_text(yaml.safe_dump(laboratory.params))
    done = CliRunner().invoke(app, ["table", "window", "--run"])
    assert isinstance(done.exception, UserError)
    assert "dvc repro" in str(done.exception)
    assert queued == []

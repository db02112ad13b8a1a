"""The whole DAG in a copy of the repository, on a demo cut short but with the real models."""

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from repository_copy import copy_to, run, stages_run
from ruamel.yaml import YAML

MODELS = ("llmvs", "mlp")

pytestmark = pytest.mark.end_to_end


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A commit of the working tree elsewhere, its demo cut short, run once."""
    where = tmp_path_factory.mktemp("copy")
    copy_to(where)
    yaml = YAML()
    params = yaml.load(where / "params.yaml")
    params["run"]["datasets"] = ["demo"]
    params["run"]["models"] = list(MODELS)
    demo = params["datasets"]["demo"]
    demo["download"].update(videos=5, shots=[3, 4], subjects_per_video=[2, 3])
    demo["splits"]["folds"] = 2
    demo["train"].update(seeds=[0], epochs=2)
    demo["train"]["scorer"].update(width=32, feedforward=64)
    demo["evaluate"].update(random_seeds=5, bootstrap=100)
    yaml.dump(params, where / "params.yaml")
    run(where, "dvc", "repro")
    run(where, "git", "add", "--all")
    run(where, "git", "commit", "--quiet", "--message", "run")
    return where


@pytest.fixture
def clean(copy: Path) -> Path:
    """The copy as it was committed."""
    run(copy, "git", "checkout", "--quiet", ".")
    run(copy, "dvc", "checkout", "--quiet", "--with-deps", "report")
    return copy


def would_run(where: Path) -> set[str]:
    """Stages that are out of date, and those that follow: a dry run changes no stage's outputs."""
    return stages_run(run(where, "dvc", "repro", "--dry", "--force-downstream"))


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_the_report_and_the_metrics_are_there(copy: Path) -> None:
    metrics = json.loads((copy / "reports/results/demo/metrics.json").read_text())
    assert list(metrics) == ["strict", "official"]
    for rows in metrics.values():
        assert {*MODELS, "zero-shot", "human", "random"} <= set(rows)
        for row in rows.values():
            assert all(-1 <= row[name] <= 1 for name in ("tau", "rho"))
    page = (copy / "reports/index.html").read_text()
    for said in ("imulated", "Protocol strict", "Protocol official", "optimistic"):
        assert said in page
    assert "tau" in run(copy, "dvc", "metrics", "show")


def test_a_recipe_has_the_stages_that_follow_what_it_is_given(copy: Path) -> None:
    listed = run(copy, "dvc", "stage", "list", "--all", "--name-only").split()
    stages = {name.rpartition(":")[2] for name in listed}
    assert {"sample@demo", "caption@demo", "embed@demo"} <= stages
    assert {"given-captions@summe-captions", "embed@summe-captions"} <= stages
    assert not {"sample@summe-captions", "caption@summe-captions"} & stages
    assert "given-captions@demo" not in stages


def test_a_second_run_has_nothing_to_do(clean: Path) -> None:
    assert would_run(clean) == set()


@pytest.mark.parametrize(
    ("file", "old", "new", "expected"),
    [
        ("stages/report.py", '"""', '# a comment\n"""', {"report"}),
        (
            "params.yaml",
            "a parking meter or a mailbox",
            "a parking meter or a letter box",
            {"embed", "feeds", "train", "evaluate", "report"},
        ),
        (
            "params.yaml",
            "labels: 2",
            "labels: 1",
            {"caption", "embed", "sentences", "feeds", "train", "evaluate", "report"},
        ),
        ("params.yaml", "lr: 3.0e-4", "lr: 1.0e-4", {"train", "evaluate", "report"}),
        (
            "stages/training/settings.py",
            "class Train",
            "# a comment\nclass Train",
            {"train", "evaluate", "report"},
        ),
        (
            "stages/metrics/settings.py",
            "class Evaluate",
            "# a comment\nclass Evaluate",
            {"train", "evaluate", "report"},  # the official epoch is chosen by its rules
        ),
        ("params.yaml", "agreement: scores", "agreement: summary", {"train", "evaluate", "report"}),
        ("params.yaml", "f1: mean", "f1: max", {"evaluate", "report"}),
    ],
)
def test_a_change_reruns_what_follows_from_it_and_no_more(
    clean: Path, file: str, old: str, new: str, expected: set[str]
) -> None:
    edit(clean / file, old, new)
    assert would_run(clean) == expected


def test_an_added_model_trains_alone(clean: Path) -> None:
    edit(clean / "params.yaml", "- mlp", "- mlp\n  - query-only")
    planned = run(clean, "dvc", "repro", "--dry")
    assert re.findall(r"stage '\S*:(train@[^']+)'", planned) == ["train@demo-query-only"]


def test_an_experiment_reruns_training_alone_and_is_compared(clean: Path) -> None:
    output = run(clean, "dvc", "exp", "run", "-n", "slow", "-S", "datasets.demo.train.lr=1e-5")
    assert stages_run(output) == {"train", "evaluate", "report"}
    assert "slow" in run(clean, "dvc", "exp", "show", "--csv")
    run(clean, "dvc", "exp", "remove", "slow")


def items(where: Path) -> dict[Path, int]:
    """The work store's items and when each was written."""
    store = where / ".work" / "items"
    return {path: path.stat().st_mtime_ns for path in store.rglob("*.npz")}


def trained(before: dict[Path, int], after: dict[Path, int]) -> int:
    """Trainings kept since, where nothing but trainings was added and nothing made again."""
    assert before.items() <= after.items()
    return (len(after) - len(before)) // 2  # each with its weights beside


RUNS = 2 * 2  # protocols × folds, one seed


def test_queued_experiments_share_the_work_store(clean: Path) -> None:
    before = items(clean)
    for name, epochs in (("one", 1), ("three", 3)):
        run(clean, *f"dvc exp run --queue -n {name} -S datasets.demo.train.epochs={epochs}".split())
    run(clean, "dvc", "queue", "start", "-j", "2")
    run(clean, "dvc", "queue", "logs", "--follow", "one")
    run(clean, "dvc", "queue", "logs", "--follow", "three")
    shown = run(clean, "dvc", "exp", "show", "--csv")
    assert "one" in shown
    assert "three" in shown
    assert trained(before, items(clean)) == 2 * len(MODELS) * RUNS


def test_a_row_of_a_table_that_is_missing_is_measured_without_embedding_again(clean: Path) -> None:
    before = items(clean)
    table = [sys.executable, "-m", "stages.cli", "table", "embedding", "--protocol", "strict"]
    names = ("demo-query-only", "demo-answer-only")
    said = run(clean, *table)
    assert all(f"dvc exp run --temp -n {name}" in said for name in names)
    said = run(clean, *table, "--run", "-j", "2")
    assert "Missing" not in said
    assert len(re.findall(r"\[−?\.\d{3}, −?\.\d{3}\]", said)) == 2 * 4  # τ and ρ of four rows
    assert trained(before, items(clean)) == 2 * RUNS
    assert run(clean, "git", "status", "--porcelain") == ""
    run(clean, "dvc", "exp", "remove", *names)


def test_outputs_are_the_same_bytes_when_made_again(clean: Path) -> None:
    names = ("captions.jsonl", "inputs/embeddings.h5", "predictions/llmvs.h5")
    paths = [clean / "data" / "demo" / name for name in names]
    before = [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]
    run(clean, "dvc", "repro", "--force", "--no-run-cache")
    assert [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths] == before


def test_bad_input_leaves_earlier_outputs_intact(clean: Path) -> None:
    report = (clean / "reports/index.html").read_bytes()
    edit(clean / "params.yaml", "lr: 3.0e-4", "lrr: 3.0e-4")
    done = subprocess.run(
        [sys.executable, "-m", "stages.report"],
        cwd=clean,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "datasets.demo.train.lrr: unknown key" in done.stderr
    assert "Traceback" not in done.stderr
    assert (clean / "reports/index.html").read_bytes() == report

"""The workspace, experiments and commits by name, read without touching the workspace."""

from pathlib import Path

import pytest
from laboratory import Laboratory

from stages.errors import UserError
from stages.experiments import measured
from stages.experiments.revisions import HERE, experiments, resolve


def test_an_experiment_is_read_from_its_commit(laboratory: Laboratory) -> None:
    made = laboratory.experiment("wide", {"train.epochs": 7}, 0.7)
    before = (laboratory.root / "params.yaml").read_text()
    found = resolve("wide")
    assert (found.name, found.commit) == ("wide", made)
    assert found.document("params.yaml")["datasets"]["demo"]["train"]["epochs"] == 7
    assert HERE.document("params.yaml")["datasets"]["demo"]["train"]["epochs"] == 50
    assert (laboratory.root / "params.yaml").read_text() == before


def test_those_of_the_current_commit_come_first(laboratory: Laboratory) -> None:
    older = laboratory.experiment("wide", {"train.epochs": 7}, 0.7)
    laboratory.commit("words")
    assert resolve("wide").commit == older
    newer = laboratory.experiment("wide", {"train.width": 512}, 0.7)
    assert [each.commit for each in experiments()] == [newer, older]
    assert resolve("wide").commit == newer


def test_references_of_dvc_itself_are_no_experiments(laboratory: Laboratory) -> None:
    for reference in ("refs/exps/exec/EXEC_HEAD", "refs/exps/stash", "refs/exps/celery/stash"):
        laboratory.git("update-ref", reference, "HEAD")
    assert list(experiments()) == []


def test_any_commit_can_be_named_and_nothing_else(laboratory: Laboratory) -> None:
    laboratory.experiment("wide", {"train.epochs": 7}, 0.7)
    head = laboratory.git("rev-parse", "HEAD")
    assert resolve("HEAD").commit == head
    assert resolve("workspace") == HERE
    with pytest.raises(UserError, match=r"'wider'.*wide"):
        resolve("wider")


def test_a_revision_without_results_is_named(laboratory: Laboratory) -> None:
    laboratory.git("rm", "--quiet", "-r", "reports")
    laboratory.commit("no results")
    with pytest.raises(UserError, match=r"HEAD: has no reports/results/demo/results.json"):
        measured.read(resolve("HEAD"), "demo")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("results.json", "{"),
        ("results.json", '{"protocols": {"strict": {"rows": {"llmvs": {}}}}}'),
        ("per_video.csv", "protocol,row,video,tau,rho,f1\nstrict,llmvs,video_1,0.1,0.1,0.1\n"),
    ],
)
def test_tables_of_another_layout_ask_for_another_run(
    laboratory: Laboratory, name: str, text: str
) -> None:
    (laboratory.root / "reports/results/demo" / name).write_text(text)
    with pytest.raises(UserError, match=f"workspace: reports/results/demo/{name}.*`dvc repro`"):
        measured.read(HERE, "demo")
    laboratory.commit("of another layout")
    with pytest.raises(UserError, match=r"HEAD: .*another edition's, so name a revision"):
        measured.read(resolve("HEAD"), "demo")


def test_numbers_are_those_that_dvc_writes(laboratory: Laboratory) -> None:
    """It writes 0.00005 as 5e-05, which to YAML 1.1 is a word."""
    Path("dvc.lock").write_text("stages: {train: {params: {params.yaml: {lr: 5e-05}}}}\n")
    assert HERE.locked()["train"]["params"]["params.yaml"]["lr"] == 5.0e-5

"""Values by dotted path: looked up, laid over a copy, told apart, spelled for the command line."""

from pathlib import Path

import pytest

from stages.errors import UserError
from stages.experiments.overrides import (
    ABSENT,
    differing,
    laid_over,
    lookup,
    set_over,
    spelled,
)

DOCUMENT = {"embed": {"window": 7, "prompt": {"scale": [1, 5]}}, "train": {"lr": 0.1}}


def test_a_path_leads_to_its_value_or_to_nothing() -> None:
    assert lookup(DOCUMENT, "embed.prompt.scale") == [1, 5]
    for path in ("embed.layer", "embed.window.wide", "nowhere"):
        assert lookup(DOCUMENT, path) is ABSENT


def test_laying_over_changes_a_copy_alone() -> None:
    made = laid_over(DOCUMENT, {"embed.window": 3, "embed.prompt.scale": (0, 9)})
    assert made["embed"] == {"window": 3, "prompt": {"scale": [0, 9]}}
    assert DOCUMENT["embed"]["window"] == 7
    assert differing(DOCUMENT, made) == ["embed.prompt.scale", "embed.window"]


def test_a_missing_value_differs_even_from_null() -> None:
    assert differing({"a": {"b": None}}, {"a": {}}) == ["a.b"]
    assert differing(DOCUMENT, DOCUMENT) == []


@pytest.mark.parametrize(
    ("value", "said"),
    [(3, "3"), (True, "true"), (None, "null"), ("last_layer", "last_layer"),
     (("general", "centre"), "[general,centre]"), (0.0003, "0.0003")],
)  # fmt: skip
def test_values_are_spelled_as_dvc_takes_them(value: object, said: str) -> None:
    assert spelled(value) == said


PARAMS = "run: {datasets: [demo]}\ndatasets:\n  demo: &demo\n    lr: 0.1\n    llm: small\n"


@pytest.mark.parametrize(
    ("assignments", "path", "value"),
    [
        (["datasets.demo.lr=1e-4"], "datasets.demo.lr", 1e-4),
        (["params.yaml:datasets.demo.llm=Qwen/Qwen2.5-7B-Instruct"], "datasets.demo.llm",
         "Qwen/Qwen2.5-7B-Instruct"),
        (["datasets.demo.llm=null", "datasets.demo.lr=1"], "datasets.demo.llm", None),
        (["run.datasets=[demo,tvsum]"], "run.datasets", ["demo", "tvsum"]),
    ],
)  # fmt: skip
def test_assignments_are_read_as_dvc_reads_them(
    tmp_path: Path, assignments: list[str], path: str, value: object
) -> None:
    file = tmp_path / "params.yaml"
    file.write_text(PARAMS)
    assert lookup(set_over(assignments, file), path) == value
    assert file.read_text() == PARAMS


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("datasets.demo.rl=1", r"-S datasets\.demo\.rl=1: Could not override 'datasets\.demo\.rl'"),
        ("datasets.demo.lr", r"-S datasets\.demo\.lr: Error parsing override"),
        ("datasets.demo.lr=1,2", r"-S datasets\.demo\.lr=1,2: Error merging override"),
    ],
)
def test_an_assignment_that_cannot_be_made_is_named(tmp_path: Path, wrong: str, said: str) -> None:
    file = tmp_path / "params.yaml"
    file.write_text(PARAMS)
    with pytest.raises(UserError, match=said):
        set_over([wrong], file)

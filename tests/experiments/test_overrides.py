"""Values by dotted path: looked up, laid over a copy, told apart, spelled for the command line."""

from pathlib import Path

import pytest
from dvc.utils.cli_parse import to_path_overrides
from dvc.utils.hydra import apply_overrides

from stages import section
from stages.errors import UserError
from stages.experiments.aliases import sole, unshared
from stages.experiments.overrides import (
    ABSENT,
    differing,
    laid_over,
    lookup,
    set_over,
    spelled,
)

ROOT = Path(__file__).parents[2]

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


SHARED = """
shared:
  prompt: &prompt {task: score, shown: {count: 3}}
models:
  one: {train: &train {lr: 0.1}}
  other: {train: *train}
datasets:
  demo: {embed: {prompt: {<<: *prompt}}}
  tvsum: {embed: {prompt: {<<: *prompt}}}
"""


@pytest.mark.parametrize(
    ("assignment", "said"),
    [
        ("datasets.demo.embed.prompt.shown.count=0",
         r"datasets\.demo\.embed\.prompt\.shown is shared\.prompt\.shown as well"),
        ("params.yaml:datasets.tvsum.embed.prompt.shown={count: 0}",
         r"datasets\.tvsum\.embed\.prompt\.shown is shared.* `shown: \{<<: \*name\}`"),
        ("models.one.train.lr=1", r"models\.other\.train is models\.one\.train as well"),
    ],
)  # fmt: skip
def test_a_mapping_of_two_recipes_cannot_be_set_for_one(
    tmp_path: Path, assignment: str, said: str
) -> None:
    file = tmp_path / "params.yaml"
    file.write_text(SHARED)
    with pytest.raises(UserError, match=said):
        set_over([assignment], file)
    with pytest.raises(UserError, match="as well, by an alias or `<<`"):
        sole(section.document(file))


def test_what_is_shared_elsewhere_hinders_nothing(tmp_path: Path) -> None:
    file = tmp_path / "params.yaml"
    file.write_text(SHARED)
    before = section.document(file)
    after = set_over(["datasets.demo.embed.prompt.task=summary"], file)
    assert differing(before, after) == ["datasets.demo.embed.prompt.task"]


def test_every_mapping_of_the_projects_params_is_one_recipes_alone() -> None:
    sole(section.document())


def test_what_dvc_wrote_beside_its_origin_is_named(tmp_path: Path) -> None:
    assert unshared() == []
    file = tmp_path / "params.yaml"
    file.write_text((ROOT / "params.yaml").read_text())
    ((_, values),) = to_path_overrides(["datasets.summe.train.lr=0.5"]).items()
    apply_overrides(file, values)
    found = unshared(file)
    assert {"datasets.summe.train", "datasets.tvsum.embed"} <= set(found)
    document = section.document(file)
    assert differing(section.document(), document) == ["datasets.summe.train.lr"]


@pytest.mark.parametrize(
    ("assignment", "said"),
    [
        (
            "shared.train.epochs=7",
            r"reaches no recipe; set datasets\.demo\.train\.epochs or datasets\.summe",
        ),
        ("~datasets.summe.train.clip", r"datasets\.summe\.train\.clip comes back through `<<`"),
    ],
)
def test_an_assignment_that_would_change_nothing_is_refused(assignment: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        set_over([assignment])


@pytest.mark.parametrize(
    "path",
    [
        "datasets.summe.embed.prompt.shown.count",
        "datasets.tvsum.finetune.lora.rank",
        "datasets.summe-captions.train.scorer.width",
        "datasets.summe-captions.finetune.embed.prompt.shown.count",
        "datasets.mrhisum-videos.embed.prompt.summary.max_new_tokens",
        "datasets.demo.train.models.clip-it.scorer.layers",
        "models.dsnet-af.train.epochs",
    ],
)
def test_a_value_deep_in_a_recipe_is_set_there_and_nowhere_else(path: str) -> None:
    assert differing(section.document(), set_over([f"{path}=5"])) == [path]

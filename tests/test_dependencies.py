"""dvc.yaml is complete: every stage lists every file its code rests on."""

import ast
from pathlib import Path
from typing import Any

import pytest
import yaml

from stages import dag, dependencies
from stages.cli import STAGES
from stages.errors import UserError

ROOT = Path(__file__).parent.parent


def test_deps_list_what_each_stage_imports() -> None:
    assert dependencies.differences(ROOT) == {}


def entries() -> dict[str, Any]:
    """Every stage of both pipeline files, in the order of the DAG."""
    return {
        name: entry
        for file in dag.PIPELINES
        for name, entry in yaml.safe_load((ROOT / file).read_text())["stages"].items()
    }


def test_the_commands_are_the_stages_of_the_dag() -> None:
    modules = dict.fromkeys(dag.module_of(name) for name in entries())
    assert list(modules) == list(STAGES)


def test_every_stage_says_what_it_does_and_runs_its_own_module() -> None:
    for name, stage in entries().items():
        body = stage.get("do", stage)
        assert body.get("desc"), name
        assert body["cmd"].startswith(f"python -m stages.{dag.module_of(name)} ")


def test_a_comment_in_trains_settings_is_no_concern_of_what_comes_before() -> None:
    concerned = {
        module
        for module in STAGES
        if "stages/training/settings.py" in dependencies.files_used(module, ROOT)
    }
    # score reads how a row was trained, skim and report whole recipes; all follow train
    assert concerned == {"train", "score", "skim", "report"}


@pytest.mark.parametrize(
    ("kind", "stages"),
    [
        ("videos", {"download", "sample", "caption", "embed", "feeds", "train"}),
        ("captions", {"download", "given-captions", "embed", "feeds", "train"}),
        ("embeddings", {"download", "given-embeddings", "feeds", "train"}),
        ("features", {"download", "given-features", "feeds", "train"}),
        ("scores", {"download", "given-scores"}),
    ],
)
def test_a_recipe_has_the_stages_that_follow_what_it_is_given(kind: str, stages: set[str]) -> None:
    params = {"datasets": {"mine": {"given": {"kind": kind}}}}
    before = [name for name in entries() if name not in ("evaluate", "skim", "report")]
    assert {n for n in before if dag.recipes_with(n, params) == ["mine"]} == stages


def test_films_have_stages_of_their_own_with_what_those_read_elsewhere() -> None:
    recipe = {
        "given": {"kind": "videos"},
        "download": {"kind": "folder", "source": "my films"},
        "sample": {},
        "score": {"scorer": "tvsum-captions/llmvs"},
    }
    before = [name for name in entries() if name not in ("evaluate", "skim", "report")]

    def stages() -> dict[str, Any]:
        params = {"datasets": {"mine": recipe}}
        found = {name: dag.recipes_with(name, params) for name in before}
        return {name: recipes for name, recipes in found.items() if recipes}

    checkpoints = {"mine": "data/tvsum-captions/checkpoints/llmvs"}
    assert stages() == {
        "download-films": {"mine": "my films"},
        "sample": ["mine"],
        "score": checkpoints,
    }
    recipe |= {"caption": {}, "embed": {}}
    assert stages()["caption"] == stages()["embed-films"] == ["mine"]
    for scorer, place in {
        "blip-smollm2": "stages/scorers/heads/blip-smollm2.safetensors",
        "heads/mine.safetensors": "heads/mine.safetensors",
        "representative": "stages/scorers/representative.py",
    }.items():
        recipe["score"] = {"scorer": scorer}
        assert stages()["score"] == {"mine": place}


def test_a_section_that_a_recipe_may_have_is_what_its_stage_exists_for() -> None:
    captions = {"given": {"kind": "captions"}}
    params = {"datasets": {"with": captions | {"sentences": {}}, "without": captions}}
    assert dag.recipes_with("sentences", params) == ["with"]


def test_features_have_a_stage_that_is_shown_the_frames_where_there_are_some() -> None:
    given = {kind: {"given": {"kind": kind}} for kind in ("videos", "captions", "embeddings")}
    params = {"datasets": {kind: recipe | {"features": {}} for kind, recipe in given.items()}}
    assert dag.recipes_with("features-frames", params) == ["videos"]
    assert dag.recipes_with("features", params) == ["captions", "embeddings"]


@pytest.fixture
def package(tmp_path: Path) -> Path:
    (tmp_path / "stages" / "deep").mkdir(parents=True)
    (tmp_path / "stages" / "one.py").write_text("import json\n")
    (tmp_path / "stages" / "deep" / "noun.py").write_text(
        "PAGE = 'page.html'\n\n\ndef lazy():\n    from stages import far\n"
    )
    for name in ("page.html", "other.html"):
        (tmp_path / "stages" / "deep" / name).write_text("")
    (tmp_path / "stages" / "far.py").write_text("")
    (tmp_path / "dvc.yaml").write_text(
        "stages:\n  one:  # said\n    cmd: x\n    deps:\n      - data/in\n      - stages/one.py\n"
    )
    return tmp_path


def test_a_missing_module_is_found_through_lazy_imports(package: Path) -> None:
    (package / "stages" / "one.py").write_text("from stages.deep.noun import lazy\n")
    missing = ["stages/deep/noun.py", "stages/deep/page.html", "stages/far.py"]
    found = dependencies.differences(package)
    assert found == {"one": dependencies.OutOfLine(tuple(missing))}


def test_every_data_file_of_the_package_is_named_by_a_module_beside_it() -> None:
    """Else no stage would depend on it."""
    for folder in (ROOT / "stages").iterdir():
        if not folder.is_dir() or folder.name == "__pycache__":
            continue
        named = set().union(*(dependencies._strings(path) for path in folder.glob("*.py")))
        assert {path.name for path in dependencies.data_files(folder)} <= named, folder


def test_writing_mends_deps_and_keeps_the_rest(package: Path) -> None:
    (package / "stages" / "one.py").write_text("from stages.deep import noun\n")
    dependencies.write(package)
    assert dependencies.differences(package) == {}
    text = (package / "dvc.yaml").read_text()
    assert "data/in" in text
    assert "# said" in text


RECIPES = """
datasets:
  films: {given: {kind: videos}}
  mine: {given: {kind: captions}}
"""


@pytest.fixture
def pipeline(package: Path) -> Path:
    """A package whose stages before evaluate are for the recipes of a params.yaml."""
    (package / "params.yaml").write_text(RECIPES)
    (package / "data").mkdir()
    for name in ("download", "given", "train"):
        (package / "stages" / f"{name}.py").write_text("")
    (package / "data" / "dvc.yaml").write_text(
        "stages:\n"
        "  download:\n    foreach: [mine, films]\n    do:\n      deps: [stages/download.py]\n"
        "  given-captions:\n    foreach: []\n    do:\n      deps: [stages/given.py]\n"
        "  train:\n    matrix:\n      dataset: [films]\n      model: ${run.models}\n"
        "    deps: [stages/train.py]\n"
    )
    return package


def test_lists_of_recipes_follow_params_in_whatever_order(pipeline: Path) -> None:
    assert dependencies.differences(pipeline) == {
        "given-captions": dependencies.OutOfLine(recipes=("mine",)),
        "train": dependencies.OutOfLine(recipes=("films", "mine")),
    }


def test_of_a_recipe_the_stages_are_named_that_are_for_others(pipeline: Path) -> None:
    params = yaml.safe_load(RECIPES)
    assert dag.astray("mine", params, pipeline) == ["given-captions", "train"]
    assert dag.astray("films", params, pipeline) == []
    params["datasets"]["films"] = {"given": {"kind": "embeddings"}}
    assert dag.astray("films", params, pipeline / "stages") == []  # no DAG is there
    dependencies.write(pipeline)
    assert dag.astray("mine", params, pipeline) == []
    del params["datasets"]["mine"]
    assert dag.astray("mine", params, pipeline) == ["download", "given-captions", "train"]


def test_writing_fills_and_empties_lists_of_recipes_on_their_line(pipeline: Path) -> None:
    path = pipeline / "data" / "dvc.yaml"
    dependencies.write(pipeline)
    assert dependencies.differences(pipeline) == {}
    assert "foreach: [mine]" in path.read_text()
    assert "dataset: [films, mine]" in path.read_text()
    assert "${run.models}" in path.read_text()
    (pipeline / "params.yaml").write_text(RECIPES.replace("captions", "scores"))
    dependencies.write(pipeline)
    assert "foreach: []" in path.read_text()
    assert "dataset: [films]" in path.read_text()


def test_relative_imports_are_refused(package: Path) -> None:
    (package / "stages" / "one.py").write_text("from .deep import noun\n")
    with pytest.raises(UserError, match="relative import"):
        dependencies.files_used("one", package)


def test_modules_a_registry_names_in_strings_are_imports_too(package: Path) -> None:
    (package / "stages" / "one.py").write_text("KINDS = {'a': 'stages.far:Far', 'b': 'far'}\n")
    assert dependencies.differences(package) == {"one": dependencies.OutOfLine(("stages/far.py",))}


def test_package_files_hold_a_docstring_alone() -> None:
    for path in (ROOT / "stages").rglob("__init__.py"):
        if path.parent.name in (
            "scorers",  # one function, which imports when it is called
            "stages",  # answers a signal before anything that takes seconds is imported
        ):
            continue
        tree = ast.parse(path.read_text())
        assert len(tree.body) == 1, path
        assert ast.get_docstring(tree), path


# What a room may import besides itself, from the ground of the house to its roof.
GROUND = {"errors", "section", "work", "artifacts"}
ALLOWED = {
    "errors": set(),
    "section": {"errors"},
    "work": {"errors"},
    "artifacts": {"errors", "section", "work"},
    "vision": GROUND,
    "summaries": GROUND,
    "splits": GROUND,
    "media": GROUND | {"vision", "summaries"},
    "captioners": GROUND | {"vision"},
    "llm": GROUND | {"splits"},
    "encoders": GROUND | {"llm"},
    "metrics": GROUND | {"summaries", "splits"},
    "finetuning": GROUND | {"captioners", "llm", "metrics", "splits"},
    "scorers": GROUND,
    "sources": GROUND | {"media", "summaries"},
    "training": GROUND | {"metrics", "scorers", "splits", "summaries"},
}
ROOMS = set(ALLOWED)
ALLOWED["params"] = {"errors", "section", "skimming", *(ROOMS - GROUND)}
ALLOWED["rows"] = {"errors"}
ALLOWED["resilience"] = GROUND
ALLOWED["shipping"] = ROOMS | {"params"}
ALLOWED["planning"] = ROOMS | {"params"}
ALLOWED["experiments"] = ROOMS | {"params", "rows"}
ALLOWED["checking"] = ROOMS | {"params", "planning", "experiments"}
ALLOWED["skimming"] = ROOMS
ALLOWED["pages"] = ROOMS | {"params", "rows", "experiments", "skimming"}
ALLOWED["benchmarking"] = ROOMS | {"params", "rows", "pages", "planning"}
# What is called from the terminal: stages, and the commands beside them.
COMMANDS = {
    "ahead": ROOMS,
    "lifetime": set(),
    "outputs": set(),
    "command": {"errors", "work", "lifetime", "outputs"},
    "benchmarks": ROOMS | {"command", "benchmarking", "params"},
    "checks": ROOMS
    | {"command", "checking", "dag", "diagnosis", "experiments", "params", "planning"},
    "comparisons": ROOMS | {"command", "experiments", "pages", "rows"},
    "dag": {"errors", "section", "params", "skimming"},
    "dependencies": {"errors", "section", "dag"},
    "diagnosis": ROOMS | {"checking", "params"},
    "evaluate_release": ROOMS | {"people", "peer_release"},
    "export": ROOMS,
    "heads": ROOMS | {"command", "params", "shipping"},
    "housekeeping": {"command", "errors", "work"},
    "judge": ROOMS | {"judging"},
    "judging": ROOMS,
    "people": ROOMS,
    "peer_release": ROOMS,
    "rejudge": ROOMS | {"rejudging"},
    "rejudging": ROOMS | {"judging"},
    "summarise": ROOMS | {"command", "skimming", "summarising"},
    "summarising": ROOMS | {"pages", "skimming"},
    "trials": {"errors", "work", "resilience"},
    "cli": None,  # the roof: everything, each when it is called
}
STAGE = ROOMS | {"command"}
STAGES_ABOVE = {
    "report": {"params", "pages"},
    "score": {"skimming"},
    "skim": {"params", "pages", "skimming", "summarising"},
}


def _rooms() -> dict[str, list[Path]]:
    """The modules of each room, and of each module at the root."""
    found: dict[str, list[Path]] = {}
    for path in sorted((ROOT / "stages").rglob("*.py")):
        parts = path.relative_to(ROOT / "stages").with_suffix("").parts
        if parts != ("__init__",):
            found.setdefault(parts[0], []).append(path)
    return found


def test_every_room_has_its_place() -> None:
    assert set(_rooms()) == {*ALLOWED, *COMMANDS, *STAGES}


@pytest.mark.parametrize("room", _rooms())
def test_imports_point_down(room: str) -> None:
    allowed = {**ALLOWED, **COMMANDS}.get(room, STAGE | STAGES_ABOVE.get(room, set()))
    if allowed is None:
        return
    for path in _rooms()[room]:
        for name in dependencies._imported(path):
            parts = name.split(".")
            if len(parts) < 2:
                continue
            assert parts[1] in allowed | {room}, f"{path} imports {name}"


def test_nothing_but_the_command_line_imports_a_stage_file() -> None:
    for path in (ROOT / "stages").rglob("*.py"):
        for name in dependencies._imported(path):
            assert name.split(".")[1:2] not in [[stage] for stage in STAGES], path


@pytest.mark.parametrize("recipe", [None, {}, {"given": {"kind": "videos"}, "caption": None}])
def test_a_recipe_that_is_not_whole_yet_is_named(tmp_path: Path, recipe: Any) -> None:
    (tmp_path / "stages").symlink_to(ROOT / "stages")
    (tmp_path / "dvc.yaml").write_text((ROOT / "data" / "dvc.yaml").read_text())
    (tmp_path / "params.yaml").write_text(yaml.safe_dump({"datasets": {"mine": recipe}}))
    for asked in (dependencies.differences, dependencies.write):
        with pytest.raises(UserError, match=r"params\.yaml: .*datasets\.mine"):
            asked(tmp_path)


def test_outside_the_repository_nothing_is_compared(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="run from the root"):
        dependencies.differences(tmp_path)

"""dvc.yaml is complete: every stage lists every file its code rests on."""

import ast
from pathlib import Path

import pytest
import yaml

from stages import dependencies
from stages.cli import STAGES
from stages.errors import UserError

ROOT = Path(__file__).parent.parent


def test_deps_list_what_each_stage_imports() -> None:
    assert dependencies.differences(ROOT / "dvc.yaml") == {}


def test_the_commands_are_the_stages_of_the_dag() -> None:
    assert list(yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]) == list(STAGES)


def test_every_stage_says_what_it_does() -> None:
    for name, stage in yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"].items():
        assert stage.get("do", stage).get("desc"), name


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
    assert dependencies.differences(package / "dvc.yaml") == {"one": (missing, [])}


def test_every_data_file_of_the_package_is_named_by_a_module_beside_it() -> None:
    """Else no stage would depend on it."""
    for folder in (ROOT / "stages").iterdir():
        if not folder.is_dir() or folder.name == "__pycache__":
            continue
        named = set().union(*(dependencies._strings(path) for path in folder.glob("*.py")))
        assert {path.name for path in dependencies.data_files(folder)} <= named, folder


def test_writing_mends_deps_and_keeps_the_rest(package: Path) -> None:
    (package / "stages" / "one.py").write_text("from stages.deep import noun\n")
    dependencies.write(package / "dvc.yaml")
    assert dependencies.differences(package / "dvc.yaml") == {}
    text = (package / "dvc.yaml").read_text()
    assert "data/in" in text
    assert "# said" in text


def test_relative_imports_are_refused(package: Path) -> None:
    (package / "stages" / "one.py").write_text("from .deep import noun\n")
    with pytest.raises(UserError, match="relative import"):
        dependencies.files_used("one", package)


def test_package_files_hold_a_docstring_alone() -> None:
    for path in (ROOT / "stages").rglob("__init__.py"):
        tree = ast.parse(path.read_text())
        assert len(tree.body) == 1, path
        assert ast.get_docstring(tree), path


# What a folder may import, from the top of the house to the ground.
GROUND = {"errors", "params", "work"}
ALLOWED = {
    "settings": set(),
    "work": {"errors"},
    "vision": GROUND,
    "summaries": GROUND,
    "datasets": GROUND | {"vision", "summaries"},
    "captioners": GROUND | {"vision", "datasets"},
    "llm": GROUND | {"datasets"},
    "model": GROUND | {"datasets"},
    "metrics": GROUND | {"datasets", "summaries"},
    "reporting": GROUND | {"datasets", "metrics", "model", "rows", "summaries"},
    "experiments": GROUND | {"metrics", "rows"},
    "comparison": GROUND | {"datasets", "experiments", "metrics", "reporting"},
}


@pytest.mark.parametrize("folder", ALLOWED)
def test_imports_point_down(folder: str) -> None:
    for path in (ROOT / "stages" / folder).rglob("*.py"):
        for name in dependencies._imported(path):
            parts = name.split(".")
            if len(parts) < 2:
                continue
            assert parts[1] in ALLOWED[folder] | {folder, "command"}, f"{path} imports {name}"


def test_nothing_imports_a_stage_file() -> None:
    for path in (ROOT / "stages").rglob("*.py"):
        for name in dependencies._imported(path):
            assert name.split(".")[1:2] not in [[stage] for stage in STAGES], path

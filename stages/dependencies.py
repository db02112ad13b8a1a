"""Which files of this package a stage runs on: what its `deps` must list.

DVC does not trace imports, so a stage whose code changed behind a missing `deps` line would be
taken for up to date. `llmvs deps --write` brings the pipeline files in line; a test compares. It
also keeps, in data/dvc.yaml, the recipes that have each stage: which they are follows from what a
recipe is given, and DVC's templates cannot look that up.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap

from stages import dag, section
from stages.errors import UserError

PACKAGE = "stages"
_NAMED = re.compile(rf"{PACKAGE}(\.\w+)+:\w+$")


def _module_file(root: Path, module: str) -> Path | None:
    base = root.joinpath(*module.split("."))
    for candidate in (base.with_suffix(".py"), base / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None


def _imported(path: Path) -> set[str]:
    """Absolute names a module imports from this package, function-level imports included."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise UserError(f"{path}: relative import; write it out from `{PACKAGE}`")
            names.add(node.module or "")
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    # A registry names its modules in strings, "stages.room.module:Class", to import what is chosen.
    names.update(string.partition(":")[0] for string in _strings(path) if _NAMED.match(string))
    return {name for name in names if name.split(".")[0] == PACKAGE}


def _strings(path: Path) -> set[str]:
    """Every string written out in a module."""
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path)))
    return {
        node.value
        for node in nodes
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def data_files(folder: Path) -> set[Path]:
    """What a folder of the package holds besides code and what is written about it."""
    return {
        path
        for path in folder.iterdir()
        if path.is_file() and path.suffix not in (".py", ".pyc", ".md") and path.name[0] != "."
    }


def files_used(stage: str, root: Path = Path()) -> list[str]:
    """Every file a stage's code rests on, as sorted POSIX paths relative to `root`.

    That is the transitive closure of its imports within the package, and whatever is not code
    (templates, labels, lists) beside a module so reached that names the file in a string. Package
    `__init__` files hold a docstring alone and are left out.
    """
    start = _module_file(root, f"{PACKAGE}.{stage}")
    if start is None:
        raise UserError(f"{PACKAGE}/{stage}.py: no such stage")
    seen, pending = {start}, [start]
    while pending:
        for name in _imported(pending.pop()):
            path = _module_file(root, name)
            if path is not None and path not in seen:
                seen.add(path)
                pending.append(path)
    modules = {path for path in seen if path.name != "__init__.py"}
    data = {
        path
        for module in modules
        for path in data_files(module.parent)
        if path.name in _strings(module)
    }
    return sorted(path.relative_to(root).as_posix() for path in modules | data)


@dataclass(frozen=True)
class Pipeline:
    """One pipeline file: its YAML, kept with its comments."""

    path: Path
    yaml: YAML
    document: CommentedMap

    @classmethod
    def read(cls, path: Path) -> "Pipeline":
        yaml = YAML()
        yaml.width = 100
        yaml.indent(mapping=2, sequence=4, offset=2)
        return cls(path, yaml, yaml.load(path))

    def stages(self) -> Iterator[tuple[str, CommentedMap, CommentedMap]]:
        """Name, entry, and the body that a `foreach` repeats."""
        for name, entry in self.document["stages"].items():
            yield name, entry, entry.get("do", entry)

    def write(self) -> None:
        with self.path.open("w", encoding="utf-8") as file:
            self.yaml.dump(self.document, file)


def _in_order(repeated: Any) -> Any:
    return dict(repeated) if isinstance(repeated, dict) else sorted(repeated)


@dataclass(frozen=True)
class OutOfLine:
    """What is out of line in a stage: files its deps miss, files of the package they list for
    nothing, and the recipes it should be repeated for where it is for others.
    """

    missing: tuple[str, ...] = ()
    idle: tuple[str, ...] = ()
    recipes: tuple[str, ...] | None = None


def _params(root: Path) -> dict[str, Any] | None:
    """params.yaml, where there is one. Raises UserError where no DAG is here."""
    if not any((root / file).is_file() for file in dag.PIPELINES):
        raise UserError(
            f"{' and '.join(dag.PIPELINES)} not found; run from the root of the repository"
        )
    path = root / section.PARAMS
    if not path.is_file():
        return None
    return section.document(path)


def differences(root: Path = Path()) -> dict[str, OutOfLine]:
    """Every stage that is out of line with the code or with params.yaml."""
    found = {}
    params = _params(root)
    for file in dag.PIPELINES:
        if not (root / file).is_file():
            continue
        for name, entry, body in Pipeline.read(root / file).stages():
            listed = {dep for dep in body["deps"] if str(dep).startswith(f"{PACKAGE}/")}
            used = set(files_used(dag.module_of(name), root))
            wanted = None
            if params is not None and (repeated := dag.listed(entry)) is not None:
                recipes = dag.recipes(name, params)
                wanted = tuple(recipes) if _in_order(repeated) != _in_order(recipes) else None
            if listed != used or wanted is not None:
                found[name] = OutOfLine(
                    tuple(sorted(used - listed)), tuple(sorted(listed - used)), wanted
                )
    return found


def write(root: Path = Path()) -> None:
    """Bring every stage's `deps` in line with the code, and the lists of recipes with params.yaml,
    keeping the rest as it is.
    """
    params = _params(root)
    for file in dag.PIPELINES:
        if not (root / file).is_file():
            continue
        pipeline = Pipeline.read(root / file)
        for name, entry, body in pipeline.stages():
            deps = body["deps"]
            other = [dep for dep in deps if not str(dep).startswith(f"{PACKAGE}/")]
            deps[:] = other + files_used(dag.module_of(name), root)
            repeated = dag.listed(entry)
            if params is not None and repeated is not None:
                recipes = dag.recipes(name, params)
                if isinstance(recipes, dict):
                    repeated.clear()
                    repeated.update(recipes)
                else:
                    repeated[:] = recipes
                repeated.fa.set_flow_style()  # which one that was empty has lost
        pipeline.write()

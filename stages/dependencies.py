"""Which files of this package a stage runs on: what its `deps` in dvc.yaml must list.

DVC does not trace imports, so a stage whose code changed behind a missing `deps` line would be
taken for up to date. `llmvs deps --write` brings dvc.yaml in line; a test compares the two.
"""

import ast
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap

from stages.errors import UserError

PACKAGE = "stages"


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
    """What a folder of the package holds besides code."""
    return {
        path
        for path in folder.iterdir()
        if path.is_file() and path.suffix not in (".py", ".pyc") and path.name[0] != "."
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


def _document(path: Path) -> tuple[YAML, CommentedMap]:
    yaml = YAML()
    yaml.width = 100
    yaml.indent(mapping=2, sequence=4, offset=2)
    document: CommentedMap = yaml.load(path)
    return yaml, document


def _body(stage: CommentedMap) -> CommentedMap:
    body: CommentedMap = stage.get("do", stage)
    return body


def differences(path: Path = Path("dvc.yaml")) -> dict[str, tuple[list[str], list[str]]]:
    """Per stage: (files its deps miss, files of the package its deps list for nothing)."""
    _, document = _document(path)
    found = {}
    for name, stage in document["stages"].items():
        listed = {dep for dep in _body(stage)["deps"] if str(dep).startswith(f"{PACKAGE}/")}
        used = set(files_used(name, path.parent))
        if listed != used:
            found[name] = (sorted(used - listed), sorted(listed - used))
    return found


def write(path: Path = Path("dvc.yaml")) -> None:
    """Bring the package's files in every stage's `deps` in line, keeping the rest as it is."""
    yaml, document = _document(path)
    for name, stage in document["stages"].items():
        deps = _body(stage)["deps"]
        other = [dep for dep in deps if not str(dep).startswith(f"{PACKAGE}/")]
        deps[:] = other + files_used(name, path.parent)
    with path.open("w", encoding="utf-8") as file:
        yaml.dump(document, file)

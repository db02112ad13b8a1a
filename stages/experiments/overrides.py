"""Values of params.yaml by their dotted path: looking up, laying over, telling apart."""

import copy
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from stages import section
from stages.errors import UserError
from stages.experiments import aliases

Json = dict[str, Any]
ABSENT = object()


def flat(document: Any, prefix: str = "") -> Json:
    """Every leaf by its dotted path; a list is a leaf."""
    if not isinstance(document, Mapping):
        return {prefix: document}
    leaves: Json = {}
    for key, value in document.items():
        leaves |= flat(value, f"{prefix}.{key}" if prefix else str(key))
    return leaves


def lookup(document: Mapping[str, Any], path: str) -> Any:
    """The value at a dotted path, ABSENT where there is none."""
    found: Any = document
    for key in path.split("."):
        if not isinstance(found, Mapping) or key not in found:
            return ABSENT
        found = found[key]
    return found


def laid_over(document: Mapping[str, Any], overrides: Mapping[str, Any]) -> Json:
    """A copy of the document with the value at each dotted path, which must be there, replaced."""
    made: Json = copy.deepcopy(dict(document))
    for path, value in overrides.items():
        *parents, last = path.split(".")
        place = made
        for key in parents:
            place = place[key]
        place[last] = list(value) if isinstance(value, tuple) else value
    return made


def differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Dotted paths at which two documents differ, sorted."""
    left, right = flat(one), flat(other)
    return sorted(
        path
        for path in left.keys() | right.keys()
        if left.get(path, ABSENT) != right.get(path, ABSENT)
    )


def spelled(value: Any) -> str:
    """A value as `dvc exp run -S path=value` takes it."""
    if isinstance(value, list | tuple):
        return f"[{','.join(spelled(item) for item in value)}]"
    if isinstance(value, bool):
        return str(value).lower()
    return "null" if value is None else str(value)


def set_over(assignments: Sequence[str], path: Path = section.PARAMS) -> Json:
    """params.yaml as `dvc exp run -S NAME=VALUE` would have it, which is DVC's own reading.

    Raises UserError where it is no YAML, or an assignment cannot be made, or would be lost.
    """
    document = section.document(path)
    if not assignments:
        return document
    from dvc.exceptions import DvcException
    from dvc.utils.cli_parse import to_path_overrides
    from dvc.utils.hydra import apply_overrides

    with tempfile.TemporaryDirectory() as folder:
        copied = Path(folder) / "params.yaml"
        copied.write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
        for assignment in assignments:
            try:
                ((file, values),) = to_path_overrides([assignment]).items()
                if file != path.name:
                    raise UserError(f"-S {assignment}: sets a value of {file}, not of {path.name}")
                at = values[0].partition("=")[0].lstrip("+~")
                _reaches(document, at)
                aliases.sole(document, at)
                apply_overrides(copied, values)
            except DvcException as error:
                said = str(error.__cause__ or error).splitlines()[0]
                raise UserError(
                    f"-S {assignment}: {said}; as in -S datasets.demo.train.lr=1e-4, with a + "
                    "before the name where params.yaml has no such key"
                ) from error
            made = section.document(copied)
            if values[0].startswith("~") and lookup(made, at) is not ABSENT:
                raise UserError(
                    f"-S {assignment}: {at} comes back through `<<`; it cannot be left out by -S"
                )
        return made


def _reaches(document: Mapping[str, Any], at: str) -> None:
    """Raises UserError where a value is of no recipe: what recipes took over by `<<` is their own
    to DVC, so that setting the original changes nothing.
    """
    top, _, below = at.partition(".")
    if top != "shared":
        return
    key = below.partition(".")[2] or "…"
    having = [name for name, of in document["datasets"].items() if lookup(of, below) is not ABSENT]
    where = " or ".join(f"datasets.{name}.{below}" for name in having[:2]) or f"datasets.D.….{key}"
    raise UserError(f"-S {at}: reaches no recipe; set {where}, and each other that it is for")

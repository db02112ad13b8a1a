"""Values of params.yaml by their dotted path: looking up, laying over, telling apart."""

import copy
from collections.abc import Mapping
from typing import Any

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

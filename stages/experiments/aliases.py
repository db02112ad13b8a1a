"""Where params.yaml shares mappings by aliases and `<<`, which DVC's `-S` cannot follow."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from stages import section
from stages.errors import UserError

_MERGE = "tag:yaml.org,2002:merge"


def sole(document: Mapping[str, Any], at: str | None = None) -> None:
    """Make sure that each mapping is one recipe's alone, so that `dvc exp run -S` can set it.

    DVC writes every value of params.yaml anew into the mapping that it is read from. Where an alias
    or `<<` makes one mapping of two, the last to be written has the say over both.

    Args:
        document: params.yaml as `section.document` reads it.
        at: a dotted path, to look at what leads to it and at nothing else.

    Raises:
        UserError: a mapping is read in two places.
    """
    first: dict[int, str] = {}

    def look(mapping: Mapping[str, Any], path: str) -> None:
        other = first.setdefault(id(mapping), path)
        if other != path and (at is None or _leads(path, at) or _leads(other, at)):
            key = path.rpartition(".")[2]
            raise UserError(
                f"params.yaml: {path} is {other} as well, by an alias or `<<`, so that "
                "`dvc exp run -S` would set both or neither; take it over as a mapping of its own: "
                f"`{key}: {{<<: *name}}`, name being what &name marks"
            )
        for key, value in mapping.items():
            if isinstance(value, Mapping):
                look(value, f"{path}.{key}" if path else str(key))

    look(document, "")


def unshared(path: Path = section.PARAMS) -> list[str]:
    """Mappings that say anew each key of what they take over by `<<`, by their dotted paths.

    DVC writes params.yaml so when it sets a value. Nothing is another for it, until what is taken
    over is changed by hand: that reaches them no longer.
    """
    found: list[str] = []

    def look(node: yaml.Node, at: str) -> None:
        if not isinstance(node, yaml.MappingNode):
            return
        own = {key.value for key, _ in node.value if key.tag != _MERGE}
        taken = _taken_over(node)
        if taken and taken <= own:
            found.append(at)
        for key, value in node.value:
            if key.tag != _MERGE:
                look(value, f"{at}.{key.value}" if at else key.value)

    root = yaml.compose(path.read_text(encoding="utf-8"), yaml.SafeLoader)
    if root is not None:
        look(root, "")
    return found


def _taken_over(node: yaml.MappingNode) -> set[str]:
    """Keys of what a mapping takes over by `<<`."""
    keys: set[str] = set()
    for key, value in node.value:
        if key.tag == _MERGE:
            each = value.value if isinstance(value, yaml.SequenceNode) else [value]
            for other in each:
                keys |= {of.value for of, _ in other.value if of.tag != _MERGE}
                keys |= _taken_over(other)
    return keys


def _leads(path: str, at: str) -> bool:
    return f"{at}.".startswith(f"{path}.")

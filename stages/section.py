"""What every section of params.yaml is, the kinds of value that recur, and how one is read.

A room keeps its own sections in its `settings.py`, and a stage reads those it uses and no other:
`stages.params`, which knows them all, checks the whole file.
"""

from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from stages.errors import UserError


def _has_centre(size: int) -> int:
    if size % 2 == 0:
        raise ValueError(f"a window must be odd to have a central frame, got {size}")
    return size


Unit = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[int, Field(gt=0)]
Count = Annotated[int, Field(ge=0)]
Odd = Annotated[Positive, AfterValidator(_has_centre)]
"""Of a window: how many frames, the central one among them."""
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
Key = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")]
"""Of an entry of params.yaml: without a dot, by which DVC and `-S` tell where a key ends."""
Text = Annotated[str, Field(min_length=1)]
Dtype = Literal["float32", "bfloat16", "float16"]
Url = Annotated[str, Field(pattern=r"^https?://")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]

PARAMS = Path("params.yaml")


def _rising(scale: tuple[int, int]) -> tuple[int, int]:
    low, high = scale
    if low >= high:
        raise ValueError(f"must be [lowest, highest], rising, got [{low}, {high}]")
    if low < 0:
        raise ValueError(f"must not go below 0, which is worth nothing, got [{low}, {high}]")
    return scale


Rising = Annotated[tuple[int, int], AfterValidator(_rising)]
"""A scale, lowest and highest, from 0 up."""


class Section(BaseModel):
    """A section refuses keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


T = TypeVar("T")

_BOUNDS = {
    "greater_than": ("gt", ">"),
    "greater_than_equal": ("ge", ">="),
    "less_than": ("lt", "<"),
    "less_than_equal": ("le", "<="),
}
_SHOWN = 200
"""Characters of a wrong value that a message shows."""


def _sentence(error: ErrorDetails, prefix: str) -> str:
    path = ".".join(str(part) for part in (*([prefix] if prefix else []), *error["loc"]))
    kind, given, context = error["type"], error["input"], error.get("ctx", {})
    if kind == "extra_forbidden":
        said = "unknown key; check the spelling"
    elif kind == "missing":
        said = "is missing"
    elif kind in _BOUNDS:
        name, sign = _BOUNDS[kind]
        said = f"must be {sign} {context[name]:g}, got {given}"
    elif kind == "value_error":
        said = str(context["error"])
    else:
        shown = repr(given)
        if len(shown) > _SHOWN:
            shown = f"{shown[: _SHOWN - 1]}…"
        said = f"{error['msg'][0].lower()}{error['msg'][1:]}, got {shown}"
    return f"{path}: {said}" if path else said


def fault(error: ValueError) -> str:
    """What is wrong with a document, in a sentence: the first thing that a model refused, with the
    path to it, or why there was nothing to check.
    """
    return _sentence(error.errors()[0], "") if isinstance(error, ValidationError) else str(error)


def validated(kind: Any, document: Any, origin: str, prefix: str = "") -> Any:
    """A part of the YAML document as its model. Raises UserError naming every bad key by its path.

    Args:
        kind: the model, or whatever pydantic can check.
        origin: the file, for messages.
        prefix: dotted path of the part within it.
    """
    try:
        return TypeAdapter(kind).validate_python(document)
    except ValidationError as error:
        lines = [f"{origin}: {_sentence(detail, prefix)}" for detail in error.errors()]
        raise UserError("\n".join(lines)) from error


def document(path: Path = PARAMS) -> dict[str, Any]:
    """params.yaml as it is.

    Raises UserError where it is absent, not a YAML mapping, or says a key twice.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise UserError(f"{path} not found; run from the root of the repository") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8 text ({error}); save it as UTF-8") from error
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        if node is not None:
            _once(node, path)
        found = None if node is None else loader.construct_document(node)
    except yaml.YAMLError as error:
        raise UserError(f"{path} is not valid YAML: {error}") from error
    except ValueError as error:  # a date that is none, a number behind !!int
        raise UserError(f"{path} is not valid YAML: {error}; quote what is text") from error
    except RecursionError as error:
        raise UserError(f"{path} is not valid YAML: nested too deeply") from error
    if not isinstance(found, dict):
        raise UserError(f"{path} is not valid YAML: expected a mapping")
    return found


def _once(root: yaml.Node, path: Path) -> None:
    """Raises UserError where a mapping says a key twice: the parser would keep the last unsaid."""
    left, seen = [("", root)], set[int]()
    while left:
        prefix, node = left.pop()
        if id(node) in seen:  # by an alias
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            left += [(prefix, item) for item in node.value]
        elif isinstance(node, yaml.MappingNode):
            lines: dict[str, int] = {}
            for key, value in node.value:
                place, line = f"{prefix}{key.value}", key.start_mark.line + 1
                if place in lines:
                    raise UserError(
                        f"{path}: {place} stands on line {lines[place]} and again on line {line}; "
                        "keep one of them"
                    )
                lines[place] = line
                left.append((f"{place}.", value))


def lookup(kind: type[T] | Any, *place: str, path: Path = PARAMS) -> Any:
    """The part of params.yaml at a place, such as ("datasets", "demo", "train"), as its model.

    Raises UserError where it is not there, naming what there is, or wrong.
    """
    found: Any = document(path)
    for depth, key in enumerate(place):
        if not isinstance(found, dict) or key not in found:
            known = ", ".join(sorted(map(str, found))) if isinstance(found, dict) else "nothing"
            where = ".".join(place[:depth]) or "the file"
            raise UserError(f"{path}: {where} has no {key!r} (has {known})")
        found = found[key]
    return validated(kind, found, str(path), ".".join(place))


def of_films(recipe: Any) -> bool:
    """Whether an entry of params.yaml: datasets, as it is, is a folder of films of one's own."""
    download = recipe.get("download") if isinstance(recipe, dict) else None
    return isinstance(download, dict) and download.get("kind") == "folder"

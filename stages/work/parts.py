"""The files that a model's weights come in, one or several."""

import json
import re
from pathlib import Path

from stages.errors import UserError

INDEX = "model.safetensors.index.json"
_PART = re.compile(r"(.+)-\d{5}-of-(\d{5})\.safetensors")


def wanted(folder: Path) -> list[str]:
    """Names of the files that hold a folder's weights, there or not; none where it has no weights.

    By the index, and where that is missing too by how parts are named: one of three is not a model.
    Raises UserError where the index cannot be read.
    """
    index = folder / INDEX
    if index.is_file():
        try:
            return sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UserError(f"{index}: is no index of weights; fetch the model again") from error
    names: set[str] = set()
    for path in folder.glob("*.safetensors"):
        part = _PART.fullmatch(path.name)
        if part is None:
            return [path.name]
        stem, count = part.groups()
        names |= {f"{stem}-{n:05d}-of-{count}.safetensors" for n in range(1, int(count) + 1)}
    return sorted(names)


def missing(folder: Path) -> list[str]:
    """The files of `wanted` that are not there. Raises UserError as that does."""
    return [name for name in wanted(folder) if not (folder / name).is_file()]

"""Which file of a dataset's folder `inputs` an input is read from, and what brings that file."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from stages import section
from stages.artifacts import features
from stages.scorers.entry import Input

EMBEDDINGS = "embeddings.h5"
FILES: dict[str, str] = {
    "query": EMBEDDINGS,
    "answer": EMBEDDINGS,
    "image": "image.h5",
    "sentence": "sentence.h5",
    "pool5": "pool5.h5",
    "i3d-rgb": "i3d-rgb.h5",
    "i3d-flow": "i3d-flow.h5",
    "clip": "clip.h5",
}
"""All but the embeddings are files of features."""

_BY_PATH = "the features stage reads it from a file at hand that datasets.D.features names"
_PROVIDED = {
    EMBEDDINGS: "the embed stage makes it of captions, or embeddings are given",
    "image.h5": "the sample stage makes it of videos, so only a recipe with given videos has it",
    "sentence.h5": (
        "the sentences stage makes it of captions, where a recipe has them and a section sentences"
    ),
    "pool5.h5": f"{_BY_PATH}, such as the field's h5",
    "i3d-rgb.h5": f"{_BY_PATH}, such as MSVA's",
    "i3d-flow.h5": f"{_BY_PATH}, such as MSVA's",
    "clip.h5": f"{_BY_PATH}, or makes it of videos with the CLIP that is named there",
}


def provider(name: Input) -> str:
    """What brings an input, in a clause."""
    return _PROVIDED[FILES[name]]


def lack(name: Input) -> str:
    """That an input is not to be had, and what would bring it, in a clause."""
    return f"`{name}` is lacking: {provider(name)}"


def files(names: Iterable[str]) -> tuple[str, ...]:
    """The files that these inputs are read from, each once."""
    return tuple(dict.fromkeys(FILES[name] for name in names))


def inputs_of(dataset: str, model: str) -> tuple[Input, ...]:
    """What a row is fed in a recipe of params.yaml: what its entry says, or the recipe's
    `train.models` for it alone. Raises UserError where that is no inputs.
    """
    recipe: tuple[str, ...] = ("datasets", dataset, "train")
    rows = section.lookup(dict[str, Any], *recipe).get("models", {})
    own = "inputs" in rows.get(model, {})
    place = (*recipe, "models", model) if own else ("models", model)
    found: tuple[Input, ...] = section.lookup(tuple[Input, ...], *place, "inputs")
    return found


def lacking(folder: Path, names: Iterable[Input]) -> dict[Input, str]:
    """Of these inputs those that a dataset's folder `inputs` does not hold, and what would bring
    them: nobody made the file, or the stage that would have says in it why it did not.

    Raises UserError where a file of features is unreadable.
    """
    found: dict[Input, str] = {}
    for name in names:
        path = folder / FILES[name]
        if not path.is_file():
            found[name] = provider(name)
        elif path.name != EMBEDDINGS and (why := features.left_out(path)) is not None:
            found[name] = why
    return found

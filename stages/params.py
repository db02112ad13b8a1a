"""params.yaml as frozen models: the only door through which a setting is read.

Every model refuses unknown keys, and a wrong value is named by its full path:
``params.yaml: datasets.demo.train.lr: must be > 0, got -1``.
"""

from pathlib import Path
from typing import Annotated, Any, Self

import yaml
from pydantic import Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from stages.errors import UserError
from stages.settings.learning import Evaluate, Model, Schedule, Train
from stages.settings.section import Name, Section
from stages.settings.videos import (
    DemoDownload,
    Download,
    Pooled,
    Sample,
    Segmentation,
    SumMeDownload,
    TVSumDownload,
)
from stages.settings.words import (
    CaptionSettings,
    Embed,
    Example,
    ImageTextCaption,
    Prompt,
    Shown,
    Summary,
    TagCaption,
)

__all__ = [
    "CaptionSettings", "DemoDownload", "Download", "Embed", "Evaluate", "Example",
    "ImageTextCaption", "Model", "Params", "Pooled", "Prompt", "Recipe", "Run", "Sample",
    "Schedule", "Segmentation", "Shown", "SumMeDownload", "Summary", "TVSumDownload",
    "TagCaption", "Train", "load", "model", "parse", "recipe",
]  # fmt: skip


class Recipe(Section):
    """A dataset's whole way from videos to figures, a sub-section a stage."""

    title: str
    simulated: bool
    embeddings: Pooled | None
    download: Download
    sample: Sample
    caption: CaptionSettings
    embed: Embed
    train: Train
    evaluate: Evaluate


class Run(Section):
    datasets: Annotated[tuple[Name, ...], Field(min_length=1)]
    models: Annotated[tuple[Name, ...], Field(min_length=1)]


class Params(Section):
    run: Run
    models: dict[Name, Model]
    shared: Any = None  # YAML anchors, read through the recipes that take them over
    datasets: dict[Name, Recipe]

    @model_validator(mode="after")
    def _run_names_exist(self) -> Self:
        for kind in ("datasets", "models"):
            known = getattr(self, kind)
            for name in getattr(self.run, kind):
                if name not in known:
                    choices = ", ".join(sorted(known))
                    raise ValueError(f"run.{kind}: no entry {name!r} under {kind} (has {choices})")
        return self


_BOUNDS = {
    "greater_than": ("gt", ">"),
    "greater_than_equal": ("ge", ">="),
    "less_than": ("lt", "<"),
    "less_than_equal": ("le", "<="),
}


def _sentence(error: ErrorDetails) -> str:
    path = ".".join(str(part) for part in error["loc"])
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
        said = f"{error['msg'][0].lower()}{error['msg'][1:]}, got {given!r}"
    return f"{path}: {said}" if path else said


def parse(document: Any, origin: str = "params.yaml") -> Params:
    """Validate a parsed YAML document. Raises UserError naming every bad key."""
    try:
        return Params.model_validate(document)
    except ValidationError as error:
        lines = [f"{origin}: {_sentence(detail)}" for detail in error.errors()]
        raise UserError("\n".join(lines)) from error


def load(path: Path = Path("params.yaml")) -> Params:
    """Read params.yaml. Raises UserError where it is absent, not YAML, or wrong."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise UserError(f"{path} not found; run from the root of the repository") from error
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UserError(f"{path} is not valid YAML: {error}") from error
    return parse(document, str(path))


def recipe(name: str, path: Path = Path("params.yaml")) -> Recipe:
    """The recipe of one dataset. Raises UserError where params.yaml has none of that name."""
    datasets = load(path).datasets
    if name not in datasets:
        raise UserError(f"{path}: no dataset {name!r} (has {', '.join(sorted(datasets))})")
    return datasets[name]


def model(name: str, path: Path = Path("params.yaml")) -> Model:
    """The entry of one trained model. Raises UserError where params.yaml has none of that name."""
    models = load(path).models
    if name not in models:
        raise UserError(f"{path}: no model {name!r} (has {', '.join(sorted(models))})")
    return models[name]

"""params.yaml as frozen models: the only door through which a setting is read.

Every model refuses unknown keys, and a wrong value is named by its full path:
``params.yaml: datasets.demo.train.lr: must be > 0, got -1``.
"""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from stages.errors import UserError

Unit = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[int, Field(gt=0)]
Count = Annotated[int, Field(ge=0)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class DemoDownload(Section):
    """The built-in synthetic dataset: real photographs, simulated people."""

    kind: Literal["demo"]
    seed: Count
    videos: Annotated[int, Field(ge=5)]
    subjects: tuple[str, ...]
    shots: tuple[Positive, Positive]
    shot_seconds: tuple[float, float]
    subjects_per_video: tuple[Positive, Positive]
    fps: Positive
    size: tuple[Positive, Positive]
    users: Annotated[int, Field(ge=2)]
    rarity: Unit
    noise: Annotated[float, Field(ge=0)]

    @model_validator(mode="after")
    def _ranges_rise(self) -> Self:
        for key in ("shots", "shot_seconds", "subjects_per_video"):
            low, high = getattr(self, key)
            if not 0 < low <= high:
                raise ValueError(f"{key} must be [low, high] with 0 < low <= high")
        if self.subjects_per_video[1] > len(self.subjects):
            raise ValueError(
                f"subjects_per_video asks for {self.subjects_per_video[1]} subjects in a video, "
                f"and subjects names {len(self.subjects)}"
            )
        if self.size[0] % 2 or self.size[1] % 2:
            raise ValueError("size must be even in both directions (H.264 halves the colour)")
        return self


Url = Annotated[str, Field(pattern=r"^https?://")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class SumMeDownload(Section):
    """SumMe: fetched from `url`, or read from `source`, an archive or folder at hand."""

    kind: Literal["summe"]
    source: str | None
    url: Url
    h5: str | None


class TVSumDownload(Section):
    """TVSum: videos from `url` or `source`, annotations from `annotations_url` or `source`."""

    kind: Literal["tvsum"]
    source: str | None
    url: Url
    annotations_url: Url
    annotations_sha256: Sha256 | None
    h5: str | None


Download = Annotated[DemoDownload | SumMeDownload | TVSumDownload, Field(discriminator="kind")]


class Segmentation(Section):
    penalty: Annotated[float, Field(ge=0)]
    max_shots: Positive | None


class Sample(Section):
    every: Positive
    tolerance: Count
    short_side: Annotated[int, Field(ge=32)]
    jpeg_quality: Annotated[int, Field(ge=1, le=100)]
    segmentation: Segmentation


class TagCaption(Section):
    captioner: Literal["imagenet-tags"]
    labels: Annotated[int, Field(ge=1, le=10)]
    min_probability: Unit
    batch: Positive


class ImageTextCaption(Section):
    """A multimodal LLM of transformers, LLaVA-1.5 in the paper."""

    captioner: Literal["llava"]
    model: Annotated[str, Field(min_length=1)]
    revision: str | None
    prompt: Annotated[str, Field(min_length=1)]
    max_new_tokens: Positive
    dtype: Literal["auto", "float32", "bfloat16", "float16"]
    batch: Positive


CaptionSettings = Annotated[TagCaption | ImageTextCaption, Field(discriminator="captioner")]


class Example(Section):
    """One in-context example: the captions of a window and the score they deserve."""

    captions: Annotated[tuple[str, ...], Field(min_length=1)]
    score: float


class Prompt(Section):
    """Instruction, examples, query. Placeholders: ``{lowest}``, ``{highest}`` in the
    instruction; ``{window}`` (the captions of the window, one a line) and ``{caption}`` (the
    central one) in the query; ``{score}`` in the answer.
    """

    scale: tuple[int, int]
    instruction: str
    query: str
    answer: str
    examples: tuple[Example, ...]

    @model_validator(mode="after")
    def _placeholders(self) -> Self:
        for key, names in (("query", ("{window}", "{caption}")), ("answer", ("{score}",))):
            for name in names:
                if name not in getattr(self, key):
                    raise ValueError(f"{key} must contain the placeholder {name}")
        low, high = self.scale
        if low >= high:
            raise ValueError(f"scale must be [lowest, highest], got [{low}, {high}]")
        for number, example in enumerate(self.examples):
            if not low <= example.score <= high:
                raise ValueError(f"examples.{number}.score must lie on the scale {low} to {high}")
        return self


class Embed(Section):
    llm: Annotated[str, Field(min_length=1)]
    revision: str | None
    dtype: Literal["auto", "float32", "bfloat16", "float16"]
    window: Positive
    max_new_tokens: Positive
    token_budget: Positive
    prompt: Prompt

    @model_validator(mode="after")
    def _window_is_odd(self) -> Self:
        if self.window % 2 == 0:
            raise ValueError(f"window must be odd to have a central frame, got {self.window}")
        return self


class Schedule(Section):
    """Cosine learning rate: from `lr` to `floor` in `period` epochs, then back up."""

    period: Positive
    floor: Annotated[float, Field(ge=0)]


class Train(Section):
    protocols: Annotated[tuple[Literal["official", "strict"], ...], Field(min_length=1)]
    splits: Literal["drawn", "summe", "tvsum"]
    folds: Annotated[int, Field(ge=2)]
    validation: Annotated[float, Field(ge=0, lt=1)]
    seeds: Annotated[tuple[Count, ...], Field(min_length=1)]
    width: Annotated[int, Field(ge=16, multiple_of=16)]
    layers: Positive
    heads: Positive
    feedforward: Positive
    dropout: Annotated[float, Field(ge=0, lt=1)]
    lr: Annotated[float, Field(gt=0)]
    weight_decay: Annotated[float, Field(ge=0)]
    schedule: Schedule | None
    clip: Annotated[float, Field(gt=0)] | None
    epochs: Positive
    batch: Positive
    accumulate: Positive
    standardise: bool

    @model_validator(mode="after")
    def _heads_divide_width(self) -> Self:
        if self.width % self.heads:
            raise ValueError(f"width {self.width} must be a multiple of heads {self.heads}")
        if len(set(self.protocols)) != len(self.protocols):
            raise ValueError("protocols names one twice")
        return self


class Evaluate(Section):
    agreement: Literal["scores", "summary"]
    f1: Literal["mean", "max"]
    budget: Annotated[float, Field(gt=0, lt=1)]
    random_seeds: Positive
    bootstrap: Annotated[int, Field(ge=100)]
    confidence: Annotated[float, Field(gt=0, lt=1)]


class Pooled(Section):
    """The authors' embedding files, pooled over tokens, in place of videos and models."""

    query: Annotated[str, Field(min_length=1)]
    answer: Annotated[str, Field(min_length=1)]


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


class Model(Section):
    """A row of the comparison that differs in the trained part alone."""

    title: str
    inputs: Literal["both", "query", "answer"]
    attention: bool


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

"""params.yaml checked as a whole: every recipe, every model, and what runs.

Every section refuses unknown keys, and a wrong value is named by its full path:
``params.yaml: datasets.demo.train.lr: must be > 0, got -1``. A stage reads its own sections alone
(`stages.section.lookup`); this module is for what looks at whole recipes.
"""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from stages import section
from stages.captioners.settings import CaptionSettings
from stages.llm.settings import Embed
from stages.media.settings import Sample
from stages.metrics.settings import Evaluate
from stages.scorers.settings import Model
from stages.section import PARAMS, Name, Section
from stages.sources.settings import Download, Given
from stages.splits.settings import Splits
from stages.training.lesson import lesson
from stages.training.settings import Train

Benchmark = Literal["SumMe", "TVSum"]

BEGINS = {
    "videos": ("sample", "caption", "embed", "train"),
    "captions": ("embed", "train"),
    "embeddings": ("train",),
    "scores": (),
}
"""By what is given: the sections of the stages that follow, which such a recipe has, no others."""


class Recipe(Section):
    """A dataset's whole way from what is given to figures, a sub-section a stage.

    benchmark: the dataset of the paper whose figures its own may stand beside.
    """

    title: str
    simulated: bool
    benchmark: Benchmark | None
    given: Given
    download: Download
    sample: Sample | None = None
    caption: CaptionSettings | None = None
    embed: Embed | None = None
    splits: Splits
    train: Train | None = None
    evaluate: Evaluate

    @model_validator(mode="after")
    def _begins_where_its_data_begin(self) -> Self:
        wanted = BEGINS[self.given.kind]
        for stage in BEGINS["videos"]:
            has = getattr(self, stage) is not None
            if has and stage not in wanted:
                raise ValueError(
                    f"has a section {stage}, but {self.given.kind} are given, and nothing of that "
                    "stage is left to do; remove the section"
                )
            if not has and stage in wanted:
                raise ValueError(f"{stage} is missing, which follows from given {self.given.kind}")
        if self.simulated != (self.download.kind == "demo"):
            raise ValueError(
                "simulated must be true for the demo, whose people are, and false for a dataset "
                "of real people"
            )
        return self


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

    @model_validator(mode="after")
    def _scorers_take_what_recipes_set(self) -> Self:
        for name in self.run.datasets:
            train = self.datasets[name].train
            for model in self.run.models if train is not None else ():
                assert train is not None
                lesson(self.models[model], train, name, model)
            unknown = set() if train is None else set(train.models) - set(self.models)
            if unknown:
                raise ValueError(
                    f"datasets.{name}.train.models: no entry {min(unknown)!r} under models (has "
                    f"{', '.join(sorted(self.models))})"
                )
        return self


def parse(document: Any, origin: str = "params.yaml") -> Params:
    """Validate a parsed YAML document. Raises UserError naming every bad key."""
    parsed: Params = section.validated(Params, document, origin)
    return parsed


def load(path: Path = PARAMS) -> Params:
    """Read params.yaml. Raises UserError where it is absent, not YAML, or wrong."""
    return parse(section.document(path), str(path))


def recipe(name: str, path: Path = PARAMS) -> Recipe:
    """The recipe of one dataset. Raises UserError where params.yaml has none of that name."""
    found: Recipe = section.lookup(Recipe, "datasets", name, path=path)
    return found

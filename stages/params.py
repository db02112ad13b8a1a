"""params.yaml checked as a whole: every recipe, every model, and what runs.

Every section refuses unknown keys, and a wrong value is named by its full path:
``params.yaml: datasets.demo.train.lr: must be > 0, got -1``. A stage reads its own sections alone
(`stages.section.lookup`); this module is for what looks at whole recipes.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from stages import section
from stages.captioners.settings import CaptionSettings
from stages.encoders.settings import Sentences
from stages.errors import UserError
from stages.finetuning import asked
from stages.finetuning.settings import Finetune
from stages.llm.settings import Embed
from stages.media.settings import Sample
from stages.metrics.settings import Evaluate
from stages.scorers.entry import INPUTS, Input
from stages.scorers.settings import Model
from stages.section import PARAMS, Key, Section
from stages.skimming.films import Films
from stages.sources.settings import Download, Features, Given
from stages.splits.settings import Splits
from stages.training.lesson import lesson
from stages.training.settings import Train

Benchmark = Literal["SumMe", "TVSum"]

BEGINS = {
    "videos": ("sample", "caption", "embed", "train"),
    "captions": ("embed", "train"),
    "embeddings": ("train",),
    "features": ("train",),
    "scores": (),
}
"""By what is given: the sections of the stages that follow, which such a recipe has, no others
but those that it may have besides.
"""

MAY_HAVE = {
    "sentences": ("videos", "captions"),
    "features": ("videos", "captions", "embeddings", "features"),
}
"""By section: what is given where a recipe may have it, and then has its stage."""


BESIDE = frozenset({"human", "oracle", "random", "constant", "zero-shot", "direct"})
"""Rows that evaluate adds to those that learn or are given."""


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
    sentences: Sentences | None = None
    features: Features | None = None
    splits: Splits
    train: Train | None = None
    finetune: Finetune | None = None
    evaluate: Evaluate

    @property
    def provides(self) -> frozenset[Input]:
        """What scorers can be fed where every stage of the recipe has run."""
        found: set[Input] = set()
        if self.train is not None and self.given.kind != "features":
            found |= {"query", "answer"}
        if self.sample is not None:
            found.add("image")
        if self.sentences is not None:
            found.add("sentence")
        if self.features is not None:
            found |= {name for name in INPUTS if name in self.features.provided}
        return frozenset(found)

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
        for stage, kinds in MAY_HAVE.items():
            if getattr(self, stage) is not None and self.given.kind not in kinds:
                raise ValueError(
                    f"has a section {stage}, which wants {' or '.join(kinds)}, but "
                    f"{self.given.kind} are given; remove the section"
                )
        if self.finetune is not None and self.finetune.rows and self.embed is None:
            raise ValueError(
                f"finetune.rows: names {self.finetune.rows[0]}, and {self.given.kind} are given, "
                "so no model is asked anything; leave it empty"
            )
        tuned = () if self.finetune is None else self.finetune.protocols
        if strange := [name for name in tuned if name not in self.splits.protocols]:
            raise ValueError(
                f"finetune.protocols: names {strange[0]}, which is not among splits.protocols"
            )
        if self.given.kind == "features" and not (self.features and self.features.provided):
            raise ValueError(
                "features: names no file, and features alone are given; name one, such as pool5"
            )
        # Of MR.HiSum's layout there are made-up files too; download asks the file.
        made_up = self.download.kind == "demo"
        if self.simulated != made_up and self.download.kind != "mrhisum":
            raise ValueError(
                "simulated must be true for the demo, whose people are, and false for a dataset "
                "of real people"
            )
        if self.download.kind == "mrhisum":
            named = None not in (self.download.videos, self.download.metadata)
            if self.given.kind == "videos" and not named:
                raise ValueError(
                    "download: videos are given, so name their folder as videos, and the authors' "
                    "metadata.csv, which says whose they are, as metadata"
                )
        if self.train is not None and self.train.validation:
            if "fixed" in self.splits.protocols:
                raise ValueError(
                    "train.validation: the published split has validation videos of its own; set 0"
                )
            if self.embed is not None and self.embed.prompt.shown.drawn:
                raise ValueError(
                    "train.validation: examples are drawn from training videos, and so from those "
                    "that would be set aside of them; set 0, or embed.prompt.shown.source: written"
                )
        return self


AnyRecipe: TypeAlias = Recipe | Films
"""An entry of datasets, judged or of one's own films."""


class Run(Section):
    """datasets: which are judged. summarise: films of one's own that are cut down."""

    datasets: tuple[Key, ...]
    models: Annotated[tuple[Key, ...], Field(min_length=1)]
    summarise: tuple[Key, ...] = ()


class Params(Section):
    run: Run
    models: dict[Key, Model]
    shared: Any = None  # YAML anchors, read through the recipes that take them over
    datasets: dict[Key, Recipe]
    films: dict[Key, Films]  # which stand among the datasets; see `parse`

    @model_validator(mode="after")
    def _run_names_exist(self) -> Self:
        if not self.run.datasets and not self.run.summarise:
            raise ValueError("run.datasets: is empty, and so is run.summarise: nothing would run")
        places: dict[str, Mapping[str, Section]] = {
            "datasets": self.datasets,
            "models": self.models,
            "summarise": self.films,
        }
        for kind, known in places.items():
            for name in getattr(self.run, kind):
                if name in known:
                    continue
                if kind == "datasets" and name in self.films:
                    raise ValueError(
                        f"run.datasets: nobody judged the films of {name}; name it in run.summarise"
                    )
                choices = ", ".join(sorted(known))
                under = "models" if kind == "models" else "datasets"
                raise ValueError(f"run.{kind}: no entry {name!r} under {under} (has {choices})")
        return self

    @model_validator(mode="after")
    def _rows_have_names_of_their_own(self) -> Self:
        named = {"models": self.models.keys()} | {
            f"datasets.{name}.given.rows": recipe.given.rows.keys()
            for name, recipe in self.datasets.items()
            if recipe.given.kind == "scores"
        }
        for place, names in named.items():
            if taken := sorted(names & BESIDE):
                raise ValueError(
                    f"{place}: {taken[0]} is the name of a row that stands beside them in every "
                    "table; give it another"
                )
        return self

    @model_validator(mode="after")
    def _rows_that_score_films_are_trained(self) -> Self:
        for name in self.run.summarise:
            row = self.films[name].score.row
            if row is None:
                continue
            dataset, model = row
            trained = dataset in self.datasets and self.datasets[dataset].train is not None
            if not trained or model not in self.run.models:
                raise ValueError(
                    f"datasets.{name}.score.scorer: {dataset}/{model} is not trained here; name a "
                    "recipe of datasets that is, and one of run.models"
                )
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

    @model_validator(mode="after")
    def _models_are_asked_what_they_can_be(self) -> Self:
        for name, recipe in self.datasets.items():
            tuned = recipe.finetune
            if tuned is None:
                continue
            if recipe.embed is not None:
                asked.embed(tuned, recipe.embed, name)
            if "direct*" in tuned.rows or tuned.caption:
                asked.caption(tuned, recipe.caption, name)
        return self


def parse(document: Any, origin: str = "params.yaml") -> Params:
    """Validate a parsed YAML document. Raises UserError naming every bad key.

    Of its datasets those that are folders of films are `Params.films`.
    """
    judged: Any = document.get("datasets") if isinstance(document, dict) else None
    found: dict[str, Films] = {}
    if isinstance(document, dict) and "films" in document:
        raise UserError(f"{origin}: films: unknown key; one's own films stand under datasets")
    if isinstance(judged, dict):
        found = {
            name: section.validated(Films, recipe, origin, f"datasets.{name}")
            for name, recipe in judged.items()
            if section.of_films(recipe)
        }
        judged = {name: recipe for name, recipe in judged.items() if name not in found}
        document = document | {"datasets": judged, "films": found}
    parsed: Params = section.validated(Params, document, origin)
    return parsed


def load(path: Path = PARAMS) -> Params:
    """Read params.yaml. Raises UserError where it is absent, not YAML, or wrong."""
    return parse(section.document(path), str(path))


def recipe(name: str, path: Path = PARAMS) -> Recipe:
    """The recipe of one dataset that people judged.

    Raises UserError where params.yaml has none of that name.
    """
    if section.of_films((section.document(path).get("datasets") or {}).get(name)):
        raise UserError(
            f"{path}: datasets.{name}: nobody judged these films; they are for run.summarise"
        )
    found: Recipe = section.lookup(Recipe, "datasets", name, path=path)
    return found


def films(name: str, path: Path = PARAMS) -> Films:
    """The recipe of films of one's own. Raises UserError where there is none of that name."""
    found: Films = section.lookup(Films, "datasets", name, path=path)
    return found

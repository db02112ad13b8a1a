"""What a table's rows are looked up in, and which of them a recipe cannot have."""

from dataclasses import dataclass
from typing import Any

from stages import rows, section
from stages.experiments.measured import Measured
from stages.experiments.overrides import ABSENT, lookup
from stages.params import Recipe
from stages.scorers.settings import Entry, Model
from stages.section import PARAMS
from stages.training.lesson import lesson
from stages.training.provisions import lack

Json = dict[str, Any]


@dataclass(frozen=True)
class Workspace:
    """What the rows of a dataset's table are looked up in: params.yaml, and what was measured.

    outdated: why that is no longer what params.yaml says; None where it is.
    """

    dataset: str
    params: Json
    here: Measured
    outdated: str | None

    @property
    def recipe(self) -> Json:
        found: Json = self.params["datasets"][self.dataset]
        return found


def not_for(row: rows.PaperRow, workspace: Workspace) -> str | None:
    """Why the recipe cannot have a row, None where it can."""
    if row.reads is None:
        return "published alone" if rows.published(row) else "measured by the paper alone"
    recipe = workspace.recipe
    captioner = recipe.get("caption", {}).get("captioner")
    if row.captioner not in (None, captioner):
        instead = f"not {captioner}" if captioner else "and makes no captions"
        return f"not for this recipe: takes {row.captioner}, {instead}"
    for path in row.overrides:
        if lookup(recipe, path) is ABSENT:
            return f"not for this recipe: params.yaml has no {path}"
    if not row.overrides and (row.reads or "").endswith("*"):
        return _not_tuned(row.reads or "", workspace)
    known = {*workspace.params["models"], *workspace.here.results.rows}
    if not row.overrides and row.reads not in known:
        return "not for this recipe: evaluate has no such row"
    if not row.overrides and row.reads in workspace.params["models"]:
        return _lacking(row.reads, workspace)
    return None


def _not_tuned(row: str, workspace: Workspace) -> str | None:
    """Why a fine-tuned row is not measured, and what would have it so; None where it is."""
    if row in workspace.here.results.rows:
        return None
    setting = f"datasets.{workspace.dataset}.finetune"
    if "finetune" not in workspace.recipe:
        return f"not for this recipe: params.yaml has no {setting}"
    return f"not measured: name {row} in {setting}.rows"


def _lacking(model: str, workspace: Workspace) -> str | None:
    """What a model is fed that the recipe has not, and what would provide it; None: nothing."""
    recipe: Recipe = section.validated(
        Recipe, workspace.recipe, str(PARAMS), f"datasets.{workspace.dataset}"
    )
    if recipe.train is None:
        return f"not for this recipe: {recipe.given.kind} are given, and nothing is trained"
    entry: Entry = section.validated(
        Model, workspace.params["models"][model], str(PARAMS), f"models.{model}"
    )
    fed = lesson(entry, recipe.train, workspace.dataset, model).entry.inputs
    missing = next((name for name in fed if name not in recipe.provides), None)
    return f"not for this recipe: {lack(missing)}" if missing else None

"""What one row learns by: its hyperparameters and its training in one recipe.

Later takes the place of earlier: the recipe's `train` section, what the row's authors did
(`models.M.train`), and what the recipe sets for this row alone (`datasets.D.train.models.M`), which
may be its inputs too: a system whose authors' features a recipe lacks can be fed others there.
"""

from typing import Any, NamedTuple

from stages import section
from stages.errors import UserError
from stages.scorers.settings import Entry, overridden
from stages.section import PARAMS
from stages.training.settings import Train

OWN = {
    *("optimiser", "lr", "weight_decay", "schedule", "clip", "epochs", "batch", "accumulate"),
    "standardise",
}
"""What of a `train` section a row may have otherwise than others of its recipe."""


class Lesson(NamedTuple):
    """entry: with the hyperparameters of this recipe. settings: its `train` section, as it is for
    this row.
    """

    entry: Entry
    settings: Train


def lesson(entry: Entry, settings: Train, dataset: str, model: str) -> Lesson:
    """How a row learns in a recipe.

    Args:
        entry: of `models`.
        settings: the recipe's `train` section.
        dataset, model: the names of both in params.yaml.

    Raises:
        UserError: a key that a row cannot set or a value that does not go, by its path.
    """
    place = f"datasets.{dataset}.train"
    row = dict(settings.models.get(model, {}))
    scorer = row.pop("scorer", {})
    if not isinstance(scorer, dict):
        raise UserError(f"{PARAMS}: {place}.models.{model}.scorer: must be hyperparameters by name")
    if "inputs" in row:
        fed = dict(entry) | {"inputs": row.pop("inputs")}
        entry = section.validated(type(entry), fed, str(PARAMS), f"{place}.models.{model}")
    entry = overridden(entry, settings.scorer, f"{place}.scorer")
    entry = overridden(entry, scorer, f"{place}.models.{model}.scorer", alone=True)
    own = {"models": {}, "scorer": settings.scorer | scorer}
    settings = settings.model_copy(update=own)
    for changes, where in (entry.train, f"models.{model}.train"), (row, f"{place}.models.{model}"):
        settings = _changed(settings, changes, where)
    return Lesson(entry, settings)


def _changed(settings: Train, changes: dict[str, Any], place: str) -> Train:
    if unknown := [key for key in changes if key not in OWN]:
        raise UserError(
            f"{PARAMS}: {place}.{unknown[0]}: is not a row's to set (there are "
            f"{', '.join(sorted(OWN))})"
        )
    if not changes:
        return settings
    found: Train = section.validated(Train, settings.model_dump() | changes, str(PARAMS), place)
    return found

"""Whether what an experiment measured still is what it would measure now.

An experiment's other params must be the workspace's, and both must have come from the same code,
people and frames, as their dvc.lock files record.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from stages.experiments.overrides import ABSENT, differing, laid_over, lookup
from stages.experiments.revisions import HERE, Revision
from stages.params import BEGINS

_CODE = "stages/"
_ORIGINS = ("source", "timeline.h5", "frames.h5")
"""Of a dataset's folder: what no row's settings change."""
_SHOWN = 3


def _named(paths: list[str]) -> str:
    rest = len(paths) - _SHOWN
    return ", ".join(paths[:_SHOWN]) + (f" and {rest} more" if rest > 0 else "")


def stale(
    experiment: Revision, dataset: str, model: str, overrides: Mapping[str, Any]
) -> str | None:
    """Why an experiment that lays `overrides` over a dataset's recipe no longer counts; None where
    it does.
    """
    here, there = HERE.document("params.yaml"), experiment.document("params.yaml")
    expected = laid_over(here["datasets"][dataset], overrides)
    measured = there["datasets"].get(dataset, {})
    # Which rows are fine-tuned, and how, changes no other row; experiments have none of them.
    others = differing(_without(expected, "finetune"), _without(measured, "finetune"))
    others += differing(here["models"].get(model, {}), there["models"].get(model, {}))
    if others:
        return f"measured with other params: {_named(others)}"
    changed = _changed_files(experiment, dataset, _stages(here, dataset, model))
    return f"measured by other code or data: {_named(changed)}" if changed else None


def _without(recipe: Mapping[str, Any], section: str) -> dict[str, Any]:
    return {name: of for name, of in recipe.items() if name != section}


def _stages(params: Mapping[str, Any], dataset: str, model: str) -> list[str]:
    """The stages that lead to a model's row, by what the dataset's recipe is given.

    Not those the lock files name: DVC leaves in them what a recipe had before it was given
    something else.
    """
    kind = params["datasets"][dataset].get("given", {}).get("kind")
    made = ["download", *BEGINS.get(kind, ()), "evaluate"]
    if kind != "videos":
        made.insert(1, f"given-{kind}")
    own = lookup(params, f"datasets.{dataset}.train.models.{model}.inputs")
    fed = params["models"].get(model, {}).get("inputs", ()) if own is ABSENT else own
    if "sentence" in fed and "sentences" in params["datasets"][dataset]:
        made.insert(made.index("train"), "sentences")
    if params["datasets"][dataset].get("features", {}).keys() & set(fed):
        features = "features-frames" if kind == "videos" else "features"
        made.insert(made.index("train"), features)
    row = {"train": f"train@{dataset}-{model}"}
    return [row.get(stage, f"{stage}@{dataset}") for stage in made]


def _shared(path: str, dataset: str) -> bool:
    """Whether a file a stage depends on should be the same for all rows of a dataset."""
    origins = tuple(f"data/{dataset}/{name}" for name in _ORIGINS)
    return path.startswith((_CODE, *origins))


def _changed_files(experiment: Revision, dataset: str, stages: Sequence[str]) -> list[str]:
    here, there = HERE.locked(), experiment.locked()
    changed: set[str] = set()
    for stage in stages:
        if stage not in here or stage not in there:
            continue
        sides = [
            {
                dep["path"]: dep.get("md5")
                for dep in locked[stage].get("deps", ())
                if _shared(dep["path"], dataset)
            }
            for locked in (here, there)
        ]
        changed |= {dep for dep in sides[0].keys() | sides[1].keys()
                    if sides[0].get(dep) != sides[1].get(dep)}  # fmt: skip
    return sorted(changed)


def outdated(dataset: str) -> str | None:
    """Why the workspace's own results are not those of its params.yaml; None where they are."""
    params, locked = HERE.document("params.yaml"), HERE.locked()
    names = {stage for model in params["models"] for stage in _stages(params, dataset, model)}
    if params["datasets"][dataset].get("finetune", {}).get("rows"):
        names |= {f"finetune@{dataset}", f"finetune-direct@{dataset}"}
    changed: set[str] = set()
    for stage in names & locked.keys():
        entry = locked[stage]
        for path, value in entry.get("params", {}).get("params.yaml", {}).items():
            now = lookup(params, path)
            if now is ABSENT or differing({path: now}, {path: value}):
                changed.add(path)
    if not changed:
        return None
    return f"params.yaml has changed since ({_named(sorted(changed))}): dvc repro"

"""Whether what an experiment measured still is what it would measure now.

An experiment's other params must be the workspace's, and both must have come from the same code,
people and frames, as their dvc.lock files record.
"""

import hashlib
import json
import math
from collections.abc import Container, Mapping, Sequence
from pathlib import Path
from typing import Any

from stages.artifacts.results import RESULTS
from stages.experiments.overrides import ABSENT, differing, laid_over, lookup
from stages.experiments.revisions import HERE, Revision
from stages.params import BEGINS
from stages.work.store import content_hash

_CODE = "stages/"
_ORIGINS = (
    "source",
    "timeline.h5",
    "frames.h5",
    "inputs/pool5.h5",
    "inputs/i3d-",
    "inputs/clip.h5",
)
_GIVEN = {"captions": ("captions.jsonl",), "embeddings": ("inputs/embeddings.h5",)}
"""Of a dataset's folder: what no row's settings change, and what does not where it is given."""
AT_HAND = ("given.source", "download.source")
"""Of a recipe: where files lie that are here already. What is in them is compared itself."""
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
    if others := other_params(experiment, dataset, model, overrides):
        return f"measured with other params: {others}"
    if overrides and _unmeasured(experiment, dataset):
        return "its evaluate stage did not run"
    here = HERE.document("params.yaml")
    given = here["datasets"][dataset].get("given", {}).get("kind")
    changed = _changed_files(experiment, dataset, given, _stages(here, dataset, model))
    return f"measured by other code or data: {_named(changed)}" if changed else None


def other_params(
    revision: Revision, dataset: str, model: str, overrides: Mapping[str, Any]
) -> str | None:
    """What in a revision's params.yaml is neither the workspace's nor one of `overrides`, as far as
    it bears on a dataset's row; None where nothing is.
    """
    here, there = HERE.document("params.yaml"), revision.document("params.yaml")
    expected = laid_over(here["datasets"][dataset], overrides)
    measured = there["datasets"].get(dataset, {})
    unread = _of_others(here, dataset, model)
    others = differing(_without(expected, unread), _without(measured, unread))
    others = [path for path in others if path not in AT_HAND]
    others += differing(here["models"].get(model, {}), there["models"].get(model, {}))
    return _named(others) if others else None


def _unmeasured(experiment: Revision, dataset: str) -> bool:
    """Whether an experiment's results are those of the commit that it was run from."""
    path, before = f"reports/results/{dataset}/{RESULTS}", experiment.before
    return before is not None and experiment.text(path) == before.text(path)


def _without(recipe: Mapping[str, Any], sections: Container[str]) -> dict[str, Any]:
    return {name: of for name, of in recipe.items() if name not in sections}


def _of_others(params: Mapping[str, Any], dataset: str, model: str) -> set[str]:
    """Sections of a recipe that bear on other rows than a model's."""
    fed = _fed(params, dataset, model)
    # Which rows are fine-tuned, and how, changes no other row; experiments have none of them.
    others = {"finetune"}
    if "sentence" not in fed:
        others.add("sentences")
    if not {"query", "answer"}.intersection(fed):
        others.add("embed")
    return others


def _fed(params: Mapping[str, Any], dataset: str, model: str) -> Sequence[str]:
    """The inputs of a model's row, as the dataset's recipe may set them anew."""
    own = lookup(params, f"datasets.{dataset}.train.models.{model}.inputs")
    fed: Sequence[str] = params["models"].get(model, {}).get("inputs", ())
    return fed if own is ABSENT else own


def _stages(params: Mapping[str, Any], dataset: str, model: str) -> list[str]:
    """The stages that lead to a model's row, by what the dataset's recipe is given.

    Not those the lock files name: DVC leaves in them what a recipe had before it was given
    something else.
    """
    kind = params["datasets"][dataset].get("given", {}).get("kind")
    made = ["download", *BEGINS.get(kind, ()), "evaluate"]
    if kind != "videos":
        made.insert(1, f"given-{kind}")
    fed = _fed(params, dataset, model)
    if "sentence" in fed and "sentences" in params["datasets"][dataset]:
        made.insert(made.index("train"), "sentences")
    if (params["datasets"][dataset].get("features") or {}).keys() & set(fed):
        features = "features-frames" if kind == "videos" else "features"
        made.insert(made.index("train"), features)
    row = {"train": f"train@{dataset}-{model}"}
    return [row.get(stage, f"{stage}@{dataset}") for stage in made]


def _changed_files(
    experiment: Revision, dataset: str, given: str | None, stages: Sequence[str]
) -> list[str]:
    """Files that all rows of a dataset share, and that are others in the experiment."""
    origins = [f"data/{dataset}/{name}" for name in (*_ORIGINS, *_GIVEN.get(given or "", ()))]
    shared = (_CODE, *origins)
    here, there = HERE.locked(), experiment.locked()
    changed = set(_otherwise_judged(experiment, dataset, origins))
    for stage in stages:
        if stage not in there:
            continue
        if stage not in here:  # its results came with a commit
            changed |= set(_changed_code([there[stage]]))
            continue
        sides = [
            {
                dep["path"]: dep.get("md5")
                for dep in locked[stage].get("deps", ())
                if dep["path"].startswith(shared)
            }
            for locked in (here, there)
        ]
        changed |= {dep for dep in sides[0].keys() | sides[1].keys()
                    if sides[0].get(dep) != sides[1].get(dep)}  # fmt: skip
    return sorted(changed)


def _otherwise_judged(experiment: Revision, dataset: str, origins: Sequence[str]) -> list[str]:
    """Of such files those that evaluate read there with another content than here."""
    here, there = _read(dataset, HERE), _read(dataset, experiment)
    return [
        path
        for path in here.keys() & there.keys()
        if path.startswith(tuple(origins)) and here[path] != there[path]
    ]


def outdated(dataset: str, revision: Revision = HERE) -> str | None:
    """Why a revision's results are not those of its params.yaml and, in the workspace, of its code
    and of the files that lie there; None where they are, as far as its lock files tell.
    """
    params, locked = revision.document("params.yaml"), revision.locked()
    models = params["run"]["models"]
    names = {stage for model in models for stage in _stages(params, dataset, model)}
    if (params["datasets"][dataset].get("finetune") or {}).get("rows"):
        names |= {f"finetune@{dataset}", f"finetune-direct@{dataset}"}
    entries = [locked[stage] for stage in sorted(names & locked.keys())]
    if f"evaluate@{dataset}" not in locked:
        return _not_locked(dataset, revision)
    changed: set[str] = set()
    for entry in entries:
        for path, value in entry.get("params", {}).get("params.yaml", {}).items():
            now = lookup(params, path)
            if now is ABSENT or differing({path: now}, {path: value}):
                changed.add(path)
    if changed:
        return f"params.yaml has changed since ({_named(sorted(changed))}): dvc repro"
    if revision.commit is not None:
        made = _unread(dataset, revision)
        return f"its evaluate stage did not run on what was made ({_named(made)})" if made else None
    if code := _changed_code(entries):
        return f"the code has changed since ({_named(code)}): dvc repro"
    if made := _made_since(dataset):
        return f"what evaluate read has been made anew since ({_named(made)}): dvc repro"
    return None


def _read(dataset: str, revision: Revision) -> dict[str, str]:
    """Files that evaluate read, by their paths, each with its sha256."""
    text = revision.text(f"reports/results/{dataset}/{RESULTS}")
    files = [] if text is None else json.loads(text).get("files", [])
    return {of["path"]: of["sha256"] for of in files}


def _made_since(dataset: str) -> list[str]:
    """Files that evaluate read, written after its results, and now of another content: a repro was
    stopped between the two. What is older is taken for what it read, and not read through.
    """
    results = Path(f"reports/results/{dataset}/{RESULTS}")
    evaluated = results.stat().st_mtime if results.is_file() else math.inf
    return [
        path
        for path, sha256 in _read(dataset, HERE).items()
        if Path(path).is_file()
        and Path(path).stat().st_mtime > evaluated
        and content_hash(Path(path)) != sha256
    ]


def _unread(dataset: str, revision: Revision) -> list[str]:
    """Files that stages made otherwise at a commit than at the one before, where evaluate reads
    them and its results are still those from before.
    """
    before = revision.before
    if before is None or not _unmeasured(revision, dataset):
        return []
    now, then = (
        {
            out["path"]: out.get("md5")
            for entry in at.locked().values()
            for out in entry.get("outs", ())
        }
        for at in (revision, before)
    )
    shared = now.keys() & then.keys() & _read(dataset, revision).keys()
    return sorted(path for path in shared if now[path] != then[path])


def _changed_code(entries: Sequence[Mapping[str, Any]]) -> list[str]:
    """Files of the package that stages ran on and that are others now."""
    ran = {
        (dep["path"], dep.get("md5"))
        for entry in entries
        for dep in entry.get("deps", ())
        if dep["path"].startswith(_CODE)
    }
    return sorted({path for path, md5 in ran if _md5(Path(path)) != md5})


def _md5(path: Path) -> str | None:
    """As DVC has it; None where there is no such file."""
    if not path.is_file():
        return None
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


def _not_locked(dataset: str, revision: Revision) -> str | None:
    """The same of results that came with a commit, and were made elsewhere: their params are
    those of the commit.
    """
    if revision.commit is not None:
        return None
    head, path = Revision("HEAD", "HEAD"), f"reports/results/{dataset}/results.json"
    text = head.text(path)
    if text is None or text != revision.text(path):
        return f"dvc.lock does not say what made reports/results/{dataset}: dvc repro"
    theirs, ours = head.document("params.yaml"), revision.document("params.yaml")
    changed = differing(theirs["datasets"].get(dataset, {}), ours["datasets"][dataset])
    where = [f"datasets.{dataset}.{name}" for name in changed]
    for model in ours["run"]["models"]:
        if model in theirs["models"]:
            others = differing(theirs["models"][model], ours["models"].get(model, {}))
            where += [f"models.{model}.{name}" for name in others]
    return f"params.yaml has changed since ({_named(where)}): dvc repro" if where else None

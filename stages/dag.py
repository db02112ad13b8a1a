"""Which stages of the DAG a recipe has, by what it is given, and what DVC wants it to say for them.

DVC's templates cannot look up what a recipe is given, so data/dvc.yaml repeats each stage for the
recipes that have it; `llmvs deps --write` keeps these lists, and `llmvs check` holds them against
params.yaml.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stages import section
from stages.errors import UserError
from stages.params import BEGINS, MAY_HAVE, parse
from stages.skimming.settings import Score

_FILLED = re.compile(r"\$\{([^}]*)\}")
_RECIPE = re.compile(r"\$\{(item|key|item\.dataset)\}")
PIPELINES = ("data/dvc.yaml", "dvc.yaml")
"""In the order of the DAG; paths in both are from the root."""


def module_of(stage: str) -> str:
    """The module that runs a stage of the DAG: several stages may be one command."""
    return stage.partition("-")[0]


def recipes_with(stage: str, params: Mapping[str, Any]) -> list[str] | dict[str, str]:
    """The recipes of params.yaml that have a stage of data/dvc.yaml, by what they are given.

    For a stage that reads what lies elsewhere, the films themselves or what scores them, each with
    its path.
    """
    datasets = params["datasets"].items()
    films = {name: of for name, of in datasets if section.of_films(of)}
    kinds = {name: of["given"]["kind"] for name, of in datasets if name not in films}
    if stage == "download-films":
        return {
            name: str(Path(of["download"]["source"]).expanduser()) for name, of in films.items()
        }
    if stage == "score":
        return {name: Score(**of["score"]).place.as_posix() for name, of in films.items()}
    if stage == "embed-films":
        return [name for name, of in films.items() if "embed" in of]
    if stage.startswith("given-"):
        return [name for name, kind in kinds.items() if stage == f"given-{kind}"]
    if stage == "download":
        return list(kinds)
    if stage == "finetune":
        return [name for name, of in datasets if "embed" in of and of.get(stage) is not None]
    if stage == "finetune-direct":  # of the one captioner that can be asked
        asked = {name for name, of in datasets if of.get("caption", {}).get("captioner") == "llava"}
        return [name for name in recipes_with("finetune", params) if name in asked]
    if stage in MAY_HAVE or stage == "features-frames":
        has = [name for name, of in datasets if of.get(module_of(stage)) is not None]
        if module_of(stage) != "features":
            return has
        return [name for name in has if (kinds[name] == "videos") == (stage != "features")]
    if stage == "feeds":
        return recipes_with("train", params)
    also = [name for name, of in films.items() if stage in ("sample", "caption") and stage in of]
    return [*(name for name, kind in kinds.items() if stage in BEGINS[kind]), *also]


def listed(entry: Mapping[str, Any]) -> Any:
    """The recipes that a stage of data/dvc.yaml is repeated for; None where params.yaml says."""
    repeated = entry.get("foreach", entry.get("matrix", {}).get("dataset"))
    return repeated if isinstance(repeated, list | dict) else None


def recipes(stage: str, params: Mapping[str, Any]) -> list[str] | dict[str, str]:
    """As `recipes_with`, of a file that may be wrong: then with UserError."""
    try:
        return recipes_with(stage, params)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        parse(params)  # which says what is wrong, with its place
        raise UserError(f"{section.PARAMS}: a recipe is incomplete ({error})") from error


def astray(recipe: str, params: Mapping[str, Any], root: Path = Path()) -> list[str]:
    """Stages that data/dvc.yaml repeats for a recipe otherwise than what it is given asks for, in
    the order of the DAG: DVC would run them in vain, or know of none. Empty where no DAG is here.
    """
    path = root / PIPELINES[0]
    if not path.is_file():
        return []
    found = []
    for name, entry in section.document(path)["stages"].items():
        named, wanted = listed(entry), recipes(name, params)
        if named is None:
            continue
        if isinstance(named, dict) and isinstance(wanted, dict):
            other = named.get(recipe) != wanted.get(recipe)
        else:
            other = (recipe in named) != (recipe in wanted)
        if other:
            found.append(name)
    return found


def unsaid(recipe: str, params: Mapping[str, Any], root: Path = Path()) -> list[str]:
    """Keys of params.yaml that DVC wants for the stages of a recipe and does not find, though the
    recipe is right without them: what is left out has a default here, and none there.
    """
    found = dict[str, None]()
    for file in PIPELINES:
        if not (root / file).is_file():
            continue
        for entry in section.document(root / file)["stages"].values():
            wanted = _FILLED.findall(str(entry.get("foreach", "")))  # run.datasets, run.summarise
            named = listed(entry)
            if named is None or recipe in named:
                keys = entry.get("do", entry).get("params", ())
                wanted += [_RECIPE.sub(recipe, key) for key in keys]
            found |= dict.fromkeys(key for key in wanted if not _said(params, key))
    return list(found)


def _said(params: Any, key: str) -> bool:
    at = params
    # As far as it is written out: which of the models are meant is looked at elsewhere.
    for name in key.partition("${")[0].rstrip(".").split("."):
        if not isinstance(at, Mapping) or name not in at:
            return False
        at = at[name]
    return True

"""The stages of one dataset as data/dvc.yaml and dvc.yaml run them."""

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from stages.errors import UserError

PIPELINES = ("data/dvc.yaml", "dvc.yaml")
"""In the order of the DAG; paths in both are from the root."""
_OF_FILMS = "${run.summarise}"
_ITEM = re.compile(r"\$\{item(?:\.(\w+))?\}")


@dataclass(frozen=True)
class Step:
    """A stage for one dataset: its command, as it is typed, and every path it is to make."""

    stage: str
    command: tuple[str, ...]
    outputs: tuple[str, ...]

    def __str__(self) -> str:
        return shlex.join(self.command)


def steps(root: Path, dataset: str, model: str) -> list[Step]:
    """The stages of a dataset with one trained model, in order.

    Raises:
        UserError: the pipeline files are not there.
    """
    found = []
    for file in PIPELINES:
        try:
            text = (root / file).read_text(encoding="utf-8")
        except FileNotFoundError as error:
            raise UserError(
                f"{root / file} not found; this needs the repository, not the package alone"
            ) from error
        for name, entry in yaml.safe_load(text)["stages"].items():
            if _is_for(dataset, entry):
                found.append(_step(name, entry.get("do", entry), dataset, model))
    return found


def chosen(every: list[Step], names: list[str]) -> list[Step]:
    """The steps of that name; all of them where none is named. Raises UserError for others."""
    known = [step.stage for step in every]
    for name in names:
        if name not in known:
            raise UserError(f"{name!r} is no stage of the demo (has {', '.join(known)})")
    return [step for step in every if not names or step.stage in names]


def _is_for(dataset: str, entry: Mapping[str, Any]) -> bool:
    """Whether a recipe that is judged has the stage.

    A list of recipes that is `${run.datasets}` holds whatever runs; no list, all at once.
    """
    repeated = entry.get("foreach", entry.get("matrix", {}).get("dataset"))
    if isinstance(repeated, list | dict):
        return dataset in repeated
    return bool(repeated != _OF_FILMS)


def _step(name: str, body: Mapping[str, Any], dataset: str, model: str) -> Step:
    values = {None: dataset, "dataset": dataset, "model": model}

    def filled(text: str) -> str:
        return _ITEM.sub(lambda found: values[found[1]], text)

    outputs = tuple(filled(path) for path in _made(body))
    return Step(name, tuple(shlex.split(filled(body["cmd"]))), outputs)


def _made(body: Mapping[str, Any]) -> Iterator[str]:
    for section in ("outs", "metrics", "plots"):
        for entry in body.get(section, ()):
            yield entry if isinstance(entry, str) else next(iter(entry))
